/// A tensor of one layer that holds other values in two models.
public struct TensorChange: Hashable, Sendable {
  /// What it is in both.
  public let role: Role
  /// How far the values are apart.
  public let gap: ValueGap

  /// A change from its parts.
  public init(role: Role, gap: ValueGap) { (self.role, self.gap) = (role, gap) }
}

/// How far the values of two tensors are apart.
public struct ValueGap: Hashable, Sendable {
  /// The squared differences over the squares of what differs.
  public let relative: Double
  /// The largest difference.
  public let maxAbs: Double
  /// The largest difference over the magnitude that rounding counts from.
  public let rounding: Double
  /// The differences as what rounding to the levels of quantised values may explain; nil for values that
  /// are not quantised.
  public let levels: LevelGap?

  /// A gap from its parts.
  public init(relative: Double, maxAbs: Double, rounding: Double, levels: LevelGap? = nil) {
    (self.relative, self.maxAbs, self.rounding) = (relative, maxAbs, rounding)
    self.levels = levels
  }

  /// The gap to what cannot be compared, such as a tensor of another shape.
  public static let infinite = ValueGap(
    relative: .infinity, maxAbs: .infinity, rounding: .infinity)
}

/// How far quantised values are from others, over how far rounding to the nearest level takes them in the
/// mean: roots of mean squares, so that 1 is what rounding does.
public struct LevelGap: Hashable, Sendable {
  /// Of the whole tensor.
  public let whole: Double
  /// Of the worst stretch of neighbours.
  public let worst: Double

  /// A gap from its parts.
  public init(whole: Double, worst: Double) { (self.whole, self.worst) = (whole, worst) }
}

/// Where the weights of two models differ by value, role by role.
public struct ValueChanges: Sendable {
  /// Both models, with norms as the first stores them.
  public let here: CanonicalModel
  /// The model that counts as the reference.
  public let there: CanonicalModel
  /// The tensors of layers that differ, by layer; those of experts not among them.
  public let layers: [Int: [TensorChange]]
  /// Other differences: in tensors that a run reaches only in part, or never.
  public let others: [Unreached]

  /// Changes from their parts.
  public init(
    here: CanonicalModel, there: CanonicalModel, layers: [Int: [TensorChange]],
    others: [Unreached]
  ) {
    self.here = here
    self.there = there.withNorms(zeroCentred: here.configuration.normIsZeroCentred)
    (self.layers, self.others) = (layers, others)
  }
}

extension Role {
  /// The magnitude below which rounding errors do not shrink further, for roles that layouts store in two
  /// forms: norms with or without one added, `A_log` as a logarithm or not.
  public func roundingFloor(zeroCentred: Bool) -> Double {
    let isShifted = zeroCentred && CanonicalModel.centredNorms.contains(name)
    return isShifted || RoleTable[name]?.traits.contains(.logarithm) == true ? 1 : 0
  }
}
