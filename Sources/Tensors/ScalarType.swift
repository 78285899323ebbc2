/// The element type of a stored tensor, spelled as in a safetensors header or, for blocks of
/// quantised values, as in ggml.
///
/// The declaration order is the order in which the reference writer lays tensors out, largest
/// alignment first (safetensors `Dtype`, descending); blocks come last.
public enum ScalarType: String, CaseIterable, Hashable, Sendable {
  case u64 = "U64"
  case i64 = "I64"
  case f64 = "F64"
  case c64 = "C64"
  case f32 = "F32"
  case u32 = "U32"
  case i32 = "I32"
  case bf16 = "BF16"
  case f16 = "F16"
  case u16 = "U16"
  case i16 = "I16"
  case f8E5M2FNUZ = "F8_E5M2FNUZ"
  case f8E4M3FNUZ = "F8_E4M3FNUZ"
  case f8E8M0 = "F8_E8M0"
  case f8E4M3 = "F8_E4M3"
  case f8E5M2 = "F8_E5M2"
  case i8 = "I8"
  case u8 = "U8"
  case f6E3M2 = "F6_E3M2"
  case f6E2M3 = "F6_E2M3"
  case f4 = "F4"
  case bool = "BOOL"
  case q4Zero = "Q4_0"
  case q4One = "Q4_1"
  case q5Zero = "Q5_0"
  case q5One = "Q5_1"
  case q8Zero = "Q8_0"
  case q8One = "Q8_1"
  case q2K = "Q2_K"
  case q3K = "Q3_K"
  case q4K = "Q4_K"
  case q5K = "Q5_K"
  case q6K = "Q6_K"
  case q8K = "Q8_K"
  case iq2XXS = "IQ2_XXS"
  case iq2XS = "IQ2_XS"
  case iq3XXS = "IQ3_XXS"
  case iq1S = "IQ1_S"
  case iq4NL = "IQ4_NL"
  case iq3S = "IQ3_S"
  case iq2S = "IQ2_S"
  case iq4XS = "IQ4_XS"
  case iq1M = "IQ1_M"
  case tq1Zero = "TQ1_0"
  case tq2Zero = "TQ2_0"
  case mxfp4 = "MXFP4"
  case nvfp4 = "NVFP4"
  case q1Zero = "Q1_0"
  case q2Zero = "Q2_0"

  /// The types of single values, which safetensors files know.
  public static let plain = allCases.filter { !$0.isBlock }

  /// The smallest run of elements that fills whole bytes; of a block type, one block.
  public var unit: (elements: Int, bytes: Int) {
    switch self {
    case .u64, .i64, .f64, .c64: (1, 8)
    case .f32, .u32, .i32: (1, 4)
    case .bf16, .f16, .u16, .i16: (1, 2)
    case .f6E3M2, .f6E2M3: (4, 3)
    case .f4: (2, 1)
    default: block ?? (1, 1)
    }
  }

  /// The elements and bytes of one block (ggml `GGML_QUANT_SIZES`); nil for types without blocks.
  private var block: (elements: Int, bytes: Int)? {
    switch self {
    case .q4Zero, .iq4NL: (32, 18)
    case .q4One: (32, 20)
    case .q5Zero: (32, 22)
    case .q5One: (32, 24)
    case .q8Zero: (32, 34)
    case .q8One: (32, 36)
    case .mxfp4: (32, 17)
    case .nvfp4: (64, 36)
    case .q2Zero: (64, 18)
    case .q1Zero: (128, 18)
    case .q2K: (256, 84)
    case .q3K, .iq3S: (256, 110)
    case .q4K: (256, 144)
    case .q5K: (256, 176)
    case .q6K: (256, 210)
    case .q8K: (256, 292)
    case .iq1S: (256, 50)
    case .iq1M: (256, 56)
    case .iq2XXS, .tq2Zero: (256, 66)
    case .iq2XS: (256, 74)
    case .iq2S: (256, 82)
    case .iq3XXS: (256, 98)
    case .iq4XS: (256, 136)
    case .tq1Zero: (256, 54)
    default: nil
    }
  }

  /// The width of one element; only for types that are no blocks.
  /// - Units: bits.
  public var bitWidth: Int { unit.bytes * 8 / unit.elements }

  /// The width of one element, or nil where elements do not fill whole bytes.
  /// - Units: bytes.
  public var byteWidth: Int? { unit.elements == 1 ? unit.bytes : nil }

  /// Whether elements are quantised together, with a scale for each block.
  public var isBlock: Bool { block != nil }

  /// Whether elements of this type are weights that can be read as F32 by themselves.
  public var isComputable: Bool { isFloat || (isBlock && !isOfInputs) }

  /// Whether blocks of this type hold the inputs of products while ggml computes them, never weights.
  public var isOfInputs: Bool { self == .q8One || self == .q8K }

  /// Whether Graft can compute with values where they are stored as F32, BF16 or F16.
  public var isFloat: Bool { self == .f32 || self == .bf16 || self == .f16 }

  /// Whether weights of this type stand for values only together with their scales.
  public var isScaled: Bool { self == .f8E4M3 || self == .f8E5M2 }

  /// The position in the reference writer's order.
  public var writingOrder: Int { Self.order[self] ?? 0 }

  private static let order = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
