import Tensors

/// Which type is stored how.
enum BlockFormats {
  /// The format of a type; nil for a type without blocks and for those that hold no weights.
  static func format(of type: ScalarType) -> (any BlockFormat.Type)? {
    switch type {
    case .q1Zero: Q1Zero.self
    case .q2Zero: Q2Zero.self
    case .q4Zero: Q4Zero.self
    case .q4One: Q4One.self
    case .q5Zero: Q5Zero.self
    case .q5One: Q5One.self
    case .q8Zero: Q8Zero.self
    case .q2K: Q2K.self
    case .q3K: Q3K.self
    case .q4K: Q4K.self
    case .q5K: Q5K.self
    case .q6K: Q6K.self
    case .iq1S: IQ1S.self
    case .iq1M: IQ1M.self
    case .iq2XXS: IQ2XXS.self
    case .iq2XS: IQ2XS.self
    case .iq2S: IQ2S.self
    case .iq3XXS: IQ3XXS.self
    case .iq3S: IQ3S.self
    case .iq4NL: IQ4NL.self
    case .iq4XS: IQ4XS.self
    case .tq1Zero: TQ1Zero.self
    case .tq2Zero: TQ2Zero.self
    case .mxfp4: MXFP4.self
    case .nvfp4: NVFP4.self
    default: nil
    }
  }

  /// The format of a type that is written too.
  static func encoder(of type: ScalarType) -> (any BlockEncoder.Type)? {
    format(of: type) as? any BlockEncoder.Type
  }
}
