import JSON
import Tensors

/// How compressed-tensors packed a weight.
struct CompressedTensorsForm: Hashable, Sendable {
  /// What codes are and how they lie.
  enum Storage: Hashable, Sendable {
    case packed, integers, float8, mxfp8, nvfp4, mxfp4

    /// The storage that types tell; nil for weights that are not packed.
    init?(of parts: CompressedTensorsParts) {
      let hasExponents = parts.scale.type == .u8 || parts.scale.type == .f8E8M0
      switch parts.codes.type {
      case .i32: self = .packed
      case .i8: self = .integers
      case .f8E4M3: self = hasExponents ? .mxfp8 : .float8
      case .u8: self = parts.global == nil && hasExponents ? .mxfp4 : .nvfp4
      default: return nil
      }
    }

    var name: String {
      switch self {
      case .packed, .integers: "INT"
      case .float8: "FP"
      case .mxfp8: "MXFP"
      case .nvfp4: "NVFP"
      case .mxfp4: "MXFP"
      }
    }

    /// The bits of a code, where the storage says it.
    var bits: Int { self == .nvfp4 || self == .mxfp4 ? 4 : 8 }

    func codeKind(_ bits: Int) -> CodeRows.Kind {
      switch self {
      case .packed: .integers(width: bits, zero: 1 << (bits - 1))
      case .integers: .signed
      case .float8, .mxfp8: .float8(.f8E4M3)
      case .nvfp4, .mxfp4: .float4(.signedZero)
      }
    }
  }

  let storage: Storage
  let bits: Int
  let sharing: ScaleSharing
  let isSymmetric: Bool

  /// The form in words.
  var text: String {
    "\(storage.name)\(bits) with \(sharing.text)" + (isSymmetric ? "" : " and zero points")
  }
}
