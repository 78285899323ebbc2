import Canonical
import Tensors

/// One canonical part of a bound tensor.
public struct BoundPart: Hashable, Sendable {
  /// What the part is.
  public let role: Role
  /// Its canonical shape.
  public let shape: [Int]
  /// Where its elements lie in the stored tensor.
  public let view: StridedView
  /// What is done to its values when it is stored.
  public var steps: [ValueStep]
  /// The rows of the role that are meant; nil for all.
  public private(set) var rows: Range<Int>?

  /// A part from what it is and where it lies.
  public init(role: Role, shape: [Int], view: StridedView, steps: [ValueStep] = []) {
    self.role = role
    self.shape = shape
    self.view = view
    self.steps = steps
  }
}

extension BoundTensor {
  /// The stored tensors that make it up, each with its rows; the tensor itself where it is one.
  public var separated: [BoundTensor] {
    guard pieces.count > 1, parts.count == 1, let rows = shape.first else { return [self] }
    let share = rows / pieces.count
    let size = [share] + shape.dropFirst()
    return pieces.enumerated().map { index, piece in
      BoundTensor(
        name: piece, pieces: [piece], shape: size,
        parts: [
          BoundPart(parts[0], rows: index * share..<(index + 1) * share, shape: size)
        ], storedType: storedType
      ).with(scales: scales)
    }
  }
}

extension BoundTensor {
  /// Whether it is a table of which tokens choose rows, that of n-grams.
  public var isTable: Bool {
    parts.count == 1 && parts[0].role.name == NgramEmbedding.table && shape.count == 2
  }

  /// Whether it is one of several that make up a tensor.
  public var isPiece: Bool { parts.count == 1 && parts[0].rows != nil }
}

extension BoundPart {
  /// Some rows of a part, as a tensor of their own.
  fileprivate init(_ part: BoundPart, rows: Range<Int>, shape: [Int]) {
    self.init(
      role: part.role, shape: shape, view: StridedView(contiguous: shape), steps: part.steps)
    self.rows = rows
  }

  /// The same part of another expert, where experts are stored apart.
  func of(expert: Int) -> BoundPart {
    guard expert > 0, role.expert != nil else { return self }
    return BoundPart(
      role: Role(role.name, layer: role.layer, expert: expert), shape: shape, view: view,
      steps: steps)
  }
}

/// One stored tensor as a layout prescribes it for a given model.
///
/// A class, as `StoredTensor` is: lists of hundreds of thousands are copied and searched, which counts one
/// reference instead of each part.
public final class BoundTensor: Sendable {
  /// The stored name.
  public let name: String
  /// The names of the several stored tensors that make it up; nil where it is one of its own name, as mostly.
  private let several: [String]?
  /// The stored shape.
  public let shape: [Int]
  /// The canonical parts that fill it.
  public let parts: [BoundPart]
  /// The type in which it is written.
  public let storedType: TensorRule.StoredType
  /// The scales of a tensor that is stored as FP8; one of several that share a scale has that of all.
  public let scales: BoundScales?

  /// A stored tensor and the parts that fill it.
  public init(
    name: String, pieces: [String], shape: [Int], parts: [BoundPart],
    storedType: TensorRule.StoredType
  ) {
    self.name = name
    several = pieces == [name] ? nil : pieces
    self.shape = shape
    self.parts = parts
    self.storedType = storedType
    scales = nil
  }

  /// The tensor of the same name and shape with other parts and scales.
  private init(_ other: BoundTensor, parts: [BoundPart], scales: BoundScales?) {
    name = other.name
    several = other.several
    shape = other.shape
    storedType = other.storedType
    self.parts = parts
    self.scales = scales
  }

  /// The names of the stored tensors that make it up, end to end along axis 0; mostly one.
  public var pieces: [String] { several ?? [name] }

  /// The number of stored tensors that make it up.
  public var pieceCount: Int { several?.count ?? 1 }

  /// Whether it is stored as one tensor of its name.
  public var isOnePiece: Bool { several == nil }

  /// A tensor of which only name and shape are understood, with one part that is all of it.
  public convenience init(carrying name: String, shape: [Int]) {
    self.init(
      name: name, pieces: [name], shape: shape,
      parts: [BoundPart(role: Role(name), shape: shape, view: StridedView(contiguous: shape))],
      storedType: .keep)
  }

  /// The same content under another name.
  public func named(_ name: String) -> BoundTensor {
    BoundTensor(name: name, pieces: [name], shape: shape, parts: parts, storedType: storedType)
  }

  /// The same tensor with other parts.
  func with(parts: [BoundPart]) -> BoundTensor {
    BoundTensor(self, parts: parts, scales: scales)
  }

  /// The same tensor with scales.
  public func with(scales: BoundScales?) -> BoundTensor {
    BoundTensor(self, parts: parts, scales: scales)
  }
}
