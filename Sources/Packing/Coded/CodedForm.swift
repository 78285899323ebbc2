import Tensors

/// What the codes of a weight are, and what stands beside them, in whatever order a library stores it.
public struct CodedForm: Hashable, Sendable {
  /// What a code is.
  public enum Codes: Hashable, Sendable {
    /// Integers from zero on, of so many bits.
    case integers(bits: Int)
    /// E2M1 floats of four bits.
    case float4
    /// E4M3 floats.
    case float8
  }

  /// What a stored scale is.
  public enum Scales: Hashable, Sendable {
    case float(ScalarType)
    /// A byte that is the exponent of a power of two.
    case exponent
    /// A byte that is a float in E4M3.
    case float8
  }

  /// What is between a code and its value, beside the scale.
  public enum Offset: Hashable, Sendable {
    /// Nothing, as with floats.
    case none
    /// One code that stands for zero everywhere.
    case zero(Int)
    /// A code that stands for zero in each group.
    case zeros
    /// A number of each group that is added to the scaled code.
    case biases(ScalarType)
  }

  /// How the scales of a matrix take in the one that it has as a whole.
  public enum Global: Hashable, Sendable {
    case none
    case multiplied
    case divided
    /// The largest magnitude of the matrix, of which the scale is the part that E4M3 and E2M1 leave.
    case amax
  }

  /// What a code is.
  public var codes: Codes
  /// The values of a row that share a scale; those of the row where all do.
  public var group: Int
  /// What a stored scale is.
  public var scales: Scales
  /// What is between a code and its value.
  public var offset: Offset
  /// How a scale of the matrix takes part.
  public var global = Global.none
  /// How many neighbouring rows share their scales.
  public var rows = 1
  /// The group of each column, where groups are not neighbours.
  public var index: [Int32]?

  /// The bits of a code.
  public var bits: Int {
    switch codes {
    case .integers(let bits): bits
    case .float4: 4
    case .float8: 8
    }
  }

  /// The groups of a row.
  func groups(of columns: Int) -> Int { (columns + group - 1) / group }

  /// The form in words.
  public var text: String {
    let code =
      switch codes {
      case .integers(let bits): "integers of \(bits) bits"
      case .float4: "floats of 4 bits"
      case .float8: "floats of 8 bits"
      }
    let scale =
      switch scales {
      case .float(let type): type.rawValue
      case .exponent: "E8M0"
      case .float8: "E4M3"
      }
    let offset =
      switch self.offset {
      case .none: ""
      case .zero(let code): " and zero at code \(code)"
      case .zeros: " and a zero point"
      case .biases(let type): " and a bias in \(type.rawValue)"
      }
    return "\(code), a scale in \(scale)\(offset) for each \(group) values"
      + (rows > 1 ? " of \(rows) rows" : "") + (global == .none ? "" : ", a scale of the matrix")
  }
}
