import Platform

/// A change of values between the canonical form and a stored tensor, computed in F32.
public enum ValueStep: Hashable, Sendable {
  /// Stored = canonical + constant.
  case shift(Float)
  /// Stored = -exp(canonical).
  case negexp
  /// Stored = exp(canonical).
  case exp

  /// Whether the canonical value is the logarithm of what is stored, sign aside.
  public var isExponential: Bool { self == .negexp || self == .exp }

  /// The step as text.
  public var text: String {
    switch self {
    case .shift(let constant): "shift \(constant)"
    case .negexp: "negexp"
    case .exp: "exp"
    }
  }

  /// The stored value of a canonical one.
  public func apply(_ value: Float) -> Float {
    switch self {
    case .shift(let constant): value + constant
    case .negexp: -Platform.exp(value)
    case .exp: Platform.exp(value)
    }
  }

  /// The canonical value of a stored one.
  ///
  /// The logarithm is taken in F64, so that `exp` of a BF16 value comes back as that value.
  public func undo(_ value: Float) -> Float {
    switch self {
    case .shift(let constant): value - constant
    case .negexp: Float(log(-Double(value)))
    case .exp: Float(log(Double(value)))
    }
  }
}
