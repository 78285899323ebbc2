import Canonical
import Tensors

/// How one family of stored tensors is built from canonical parts.
public struct TensorRule: Hashable, Sendable {
  /// The type in which a tensor is written.
  public enum StoredType: Hashable, Sendable {
    /// That of the source, unless a cast is asked for.
    case keep
    /// As `keep`, but a cast never makes it narrower than F32.
    case wide
    /// Always this one.
    case always(ScalarType)

    /// Whether the type of the source does not count.
    public var isFixed: Bool { if case .always = self { true } else { false } }
  }

  /// The stored name.
  public let name: NameTemplate
  /// The names of several stored tensors that make up this one, end to end along axis 0, in a form
  /// that is only read; empty for one tensor.
  public let pieces: [NameTemplate]
  /// How many stored tensors of equal size make it up, numbered by `{piece}`; nil for one.
  public let pieceCount: SizeExpression?
  /// Whether only one layer of a model can have it, whose number is not in the name.
  public let isSingle: Bool
  /// When the tensor exists.
  public let condition: Condition
  /// The axis along which parts stand side by side.
  public let axis: Int
  /// Into how many groups that axis is divided.
  public let groups: SizeExpression?
  /// The parts, in stored order.
  public let parts: [PartRule]
  /// Steps of the whole tensor, after weaving.
  public let steps: [LayoutStep]
  /// The type in which it is written.
  public let storedType: StoredType
  /// The extents of a tensor of which Graft knows no more; nil where it is made of parts.
  public let opaque: [SizeExpression]?

  /// Whether the experts of a layer share one stored tensor.
  public var isStacked: Bool {
    steps.contains { if case .stack = $0 { true } else { false } }
  }

  /// Whether there is one such tensor per layer.
  public var isPerLayer: Bool {
    name.usesLayer || parts.contains { RoleTable.scope($0.role) != .model }
  }
}
