import Platform

/// A change of values between the canonical form and a stored tensor, computed in F32.
public enum ValueStep: Hashable, Sendable {
  /// Stored = canonical + constant.
  case shift(Float)
  /// Stored = -exp(canonical).
  case negexp

  /// The step as text.
  public var text: String {
    switch self {
    case .shift(let constant): "shift \(constant)"
    case .negexp: "negexp"
    }
  }

  /// The stored value of a canonical one.
  public func apply(_ value: Float) -> Float {
    switch self {
    case .shift(let constant): value + constant
    case .negexp: -exp(value)
    }
  }

  /// The canonical value of a stored one.
  ///
  /// The logarithm is taken in F64, so that `-exp` of a BF16 value comes back as that value.
  public func undo(_ value: Float) -> Float {
    switch self {
    case .shift(let constant): value - constant
    case .negexp: Float(log(-Double(value)))
    }
  }
}
