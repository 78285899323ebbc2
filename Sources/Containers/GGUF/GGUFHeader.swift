import Diagnostics
import Tensors

/// The header of a GGUF file: metadata, and which tensor lies where in the data that follows it.
///
/// ```
/// "GGUF"  version, u32  tensors, u64  values, u64
/// values × { key, type, value }
/// tensors × { name, dims, u32, extents, innermost first, u64 each, type, u32, offset, u64 }
/// zeros to a multiple of the alignment
/// data: tensors in the same order, each followed by zeros to a multiple of the alignment
/// ```
public struct GGUFHeader: Sendable {
  /// One metadata value.
  public typealias Metadata = [(key: String, value: GGUFValue)]

  /// One tensor.
  public struct Entry: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let type: ScalarType
    /// The extents, outermost first.
    public let shape: [Int]
    /// The place in the data.
    /// - Units: bytes after the start of the data.
    public let offset: Int

    /// The size.
    /// - Units: bytes.
    var byteCount: Int { TensorShape.byteCount(shape, type) ?? 0 }
  }

  /// The version that is written.
  static let version: UInt32 = 3
  /// The first bytes of a file.
  static let magic: [UInt8] = Array("GGUF".utf8)
  /// The key that sets the alignment.
  static let alignmentKey = "general.alignment"
  /// The alignment of files that do not set it.
  static let defaultAlignment = 32
  /// The most extents of a tensor.
  static let mostDimensions = 4
  /// The longest name of a tensor that ggml takes.
  /// - Units: bytes.
  static let longestName = 63

  /// The metadata, in the order of the file.
  public let metadata: Metadata
  /// The tensors, in the order of their data.
  public let entries: [Entry]
  /// Where the data starts.
  /// - Units: bytes from the start of the file.
  public let dataStart: Int
  /// Of what the places of tensors are multiples.
  /// - Units: bytes.
  let alignment: Int

  /// The next multiple of an alignment.
  /// - Throws: `Problem` of kind `invalid` where it does not fit an `Int`.
  static func padded(_ count: Int, to alignment: Int) throws -> Int {
    let rest = count % alignment
    guard rest > 0 else { return count }
    let (sum, overflow) = count.addingReportingOverflow(alignment - rest)
    guard !overflow else {
      throw Problem(.invalid, "the tensors do not fit a file", found: "\(count) bytes")
    }
    return sum
  }

  /// Checks an alignment.
  static func checkAlignment(_ value: GGUFValue?) throws -> Int {
    guard let value else { return defaultAlignment }
    guard value.type == .u32, let alignment = value.json.int, alignment > 0,
      alignment & (alignment - 1) == 0
    else {
      throw Problem(
        .invalid, "the alignment is unusable: \(alignmentKey)", expected: "a power of two as u32",
        found: "\(value.json.text(indent: 0)) as \(value.type.name)")
    }
    return alignment
  }
}
