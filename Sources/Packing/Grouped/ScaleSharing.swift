import Diagnostics
import Tensors

/// Which values of a matrix have one scale.
enum ScaleSharing: Hashable, Sendable {
  case tensor
  /// The values of a row.
  case channel
  /// Neighbours in a row.
  case group(Int)
  case block(BlockExtent)

  /// The rows and columns of a block.
  struct BlockExtent: Hashable, Sendable {
    let rows: Int
    let columns: Int
  }

  /// The values of a row that share a scale, where that is fewer than a row or part of a block.
  var groupSize: Int? {
    if case .group(let size) = self { return size }
    return nil
  }

  /// Scales of a weight, or what lies like them.
  /// - Throws: `Problem` where the shape is another, or a group does not divide a row.
  func scales(_ part: PackedPart, _ kind: GroupScales.Kind, of shape: [Int]) throws -> GroupScales {
    let (outer, rows, columns) = (Array(shape.dropLast(2)), shape[shape.count - 2], shape.last ?? 1)
    let matrices = outer.reduce(1, *)
    switch self {
    case .tensor:
      let isOne = try part.ofMatrices(outer).shape.allSatisfy { $0 == 1 }
      let reach = isOne ? matrices * rows : rows
      return GroupScales(region: part.region, kind: kind, count: 1, rows: (reach, reach))
    case .channel:
      _ = try part.shaped(outer + [rows, 1], outer + [rows])
      return GroupScales(region: part.region, kind: kind, count: 1, rows: (rows, 1))
    case .group(let size):
      guard columns % size == 0 else {
        throw Problem(
          .invalid, "groups of a packed weight do not divide its rows", tensor: part.name,
          expected: "rows of whole groups of \(size)", found: "rows of \(columns)",
          remedy: PackedPart.remedy)
      }
      _ = try part.shaped(outer + [rows, columns / size])
      return GroupScales(region: part.region, kind: kind, count: columns / size, rows: (rows, 1))
    case .block(let block):
      let across = (columns + block.columns - 1) / block.columns
      _ = try part.shaped(outer + [(rows + block.rows - 1) / block.rows, across])
      return GroupScales(region: part.region, kind: kind, count: across, rows: (rows, block.rows))
    }
  }

  /// The columns that share a scale.
  func columns(of shape: [Int]) -> ColumnGroups {
    switch self {
    case .tensor, .channel: ColumnGroups(size: shape.last ?? 1)
    case .group(let size): ColumnGroups(size: size)
    case .block(let block): ColumnGroups(size: block.columns)
    }
  }

  /// The sharing in words.
  var text: String {
    switch self {
    case .tensor: "a scale for the tensor"
    case .channel: "a scale for each row"
    case .group(let size): "a scale for each group of \(size)"
    case .block(let block): "a scale for each block of \(block.rows) × \(block.columns)"
    }
  }
}
