import Layouts

/// What weights are quantised to when they are written, by the names of the libraries that read them.
public enum QuantisationKind: String, CaseIterable, Hashable, Sendable {
  case q8Zero = "q8_0"
  case q6K = "q6_k"
  case q5KM = "q5_k_m"
  case q4KM = "q4_k_m"
  case iq4NL = "iq4_nl"
  case mxfp4
  case mlx2Bit = "mlx-2bit"
  case mlx3Bit = "mlx-3bit"
  case mlx4Bit = "mlx-4bit"
  case mlx5Bit = "mlx-5bit"
  case mlx6Bit = "mlx-6bit"
  case mlx8Bit = "mlx-8bit"
  case mlxMixed26 = "mlx-mixed_2_6"
  case mlxMixed34 = "mlx-mixed_3_4"
  case mlxMixed36 = "mlx-mixed_3_6"
  case mlxMixed46 = "mlx-mixed_4_6"
  case mlxMXFP4 = "mlx-mxfp4"
  case mlxMXFP8 = "mlx-mxfp8"
  case mlxNVFP4 = "mlx-nvfp4"
  case fp8Block = "fp8-block"

  /// The kind of a name, in letters of any case; nil for a name of none.
  public init?(name: String) { self.init(rawValue: name.lowercased()) }
}

extension QuantisationKind {
  /// The layouts that can hold a kind.
  enum Holder: String {
    case gguf = "a layout of llama.cpp, such as gguf-qwen35"
    case mlx = "a layout of mlx-lm, such as mlx-qwen3_5"
    case scaled = "a layout of transformers with scales of blocks, such as qwen3_5"

    /// Whether a layout is one of them.
    func includes(_ layout: Layout) -> Bool {
      switch self {
      case .gguf: layout.container == "gguf"
      case .mlx: layout.metadata.contains { $0 == ("format", "mlx") }
      case .scaled: layout.scales != nil
      }
    }
  }

  /// The layouts that can hold this kind.
  var holder: Holder {
    switch self {
    case .q8Zero, .q6K, .q5KM, .q4KM, .iq4NL, .mxfp4: .gguf
    case .fp8Block: .scaled
    default: .mlx
    }
  }
}
