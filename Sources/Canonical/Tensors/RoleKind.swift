/// One kind of tensor of the canonical model, as everything that reads or writes tensors knows it.
public struct RoleKind: Sendable {
  /// To what a tensor belongs.
  public enum Scope: Sendable {
    case model
    case layer
    case expert
  }

  /// The name of the role, such as `gdn.A_log`.
  public let name: String
  /// To what such a tensor belongs.
  public let scope: Scope
  /// The canonical shape, in symbols.
  public let shape: [SizeExpression]
  /// What is known of its values.
  public let traits: RoleTraits
  /// What its stored tensor shows of the form of a checkpoint.
  public let aspects: Set<FormAspect>
  /// Where heads lie that layouts order in two ways; nil for a tensor without them.
  public let heads: HeadAxis?
  /// Whether it belongs to a mixer that splices make.
  public let isOfSplices: Bool

  init<Owner>(
    _ rule: RoleRule<Owner>, _ scope: Scope, of mixer: String? = nil, heads: GroupedHeads? = nil,
    isOfSplices: Bool = false
  ) {
    name = (mixer.map { $0 + "." } ?? "") + rule.name
    self.scope = scope
    shape = rule.shape
    (traits, aspects) = (rule.traits, rule.aspects)
    self.heads = heads?.axis(of: rule.shape)
    self.isOfSplices = isOfSplices
  }

  /// The name without that of the mixer.
  public var shortName: String { String(name.drop { $0 != "." }.dropFirst()) }
}

/// Heads of which several share one of another kind, by the symbols that count them.
struct GroupedHeads: Sendable {
  /// The heads, such as `nv` value heads.
  let heads: String
  /// Those they share, such as `nk` key heads.
  let groups: String
  /// How many share one.
  let perGroup: String

  /// The axis along which the heads stand; nil for a tensor without them.
  func axis(of shape: [SizeExpression]) -> HeadAxis? {
    for (axis, size) in shape.enumerated() {
      guard let width = size.factors(beside: heads) else { continue }
      return HeadAxis(
        axis: axis, groups: SizeExpression(symbol: groups),
        perGroup: SizeExpression(symbol: perGroup), width: width)
    }
    return nil
  }
}

/// The axis of a tensor along which heads stand.
public struct HeadAxis: Sendable {
  /// Which axis it is.
  public let axis: Int
  /// The number of groups of heads.
  public let groups: SizeExpression
  /// The heads of one group.
  public let perGroup: SizeExpression
  /// The factors that give the elements of one head; none for a single one.
  public let width: [SizeExpression]
}
