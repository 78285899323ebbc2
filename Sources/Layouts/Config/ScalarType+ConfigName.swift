import Tensors

extension ScalarType {
  /// The name that configs give to a type of weights.
  var configName: String? {
    switch self {
    case .f32: "float32"
    case .bf16: "bfloat16"
    case .f16: "float16"
    case .f64: "float64"
    case .f8E4M3: "float8_e4m3fn"
    case .f8E5M2: "float8_e5m2"
    default: nil
    }
  }
}
