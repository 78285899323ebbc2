import Diagnostics
import Tensors

/// The group of each column, where tools chose it.
enum GroupIndex {
  /// The stored groups of so many columns.
  static func read(_ part: PackedPart, _ columns: Int) throws -> [Int32] {
    _ = try part.of(.i32).shaped([columns])
    return try part.region.withBytes { bytes in
      (0..<columns).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
    }
  }

  /// Refuses a column of no group.
  static func check(_ groups: [Int32], _ part: PackedPart, _ count: Int) throws {
    guard let column = groups.firstIndex(where: { $0 < 0 || Int($0) >= count }) else { return }
    throw Problem(
      .invalid, "a column of a packed weight is in no group", tensor: part.name,
      expected: "from 0 to \(count - 1)", found: "\(groups[column]) for column \(column)",
      remedy: PackedPart.remedy)
  }
}
