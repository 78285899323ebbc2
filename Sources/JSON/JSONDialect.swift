/// What a text may hold beyond RFC 8259.
public enum JSONDialect: Sendable {
  /// Nothing.
  case strict
  /// `Infinity`, `-Infinity` and `NaN`, as `json.dump` of Python writes them and `json.load` reads
  /// them.
  case python

  /// The numbers that JSON does not have.
  public enum NotFinite: String, CaseIterable, Hashable, Sendable {
    case infinity = "Infinity"
    case minusInfinity = "-Infinity"
    case nan = "NaN"

    /// The number.
    var number: Double {
      switch self {
      case .infinity: .infinity
      case .minusInfinity: -.infinity
      case .nan: .nan
      }
    }
  }
}
