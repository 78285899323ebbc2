/// The element type of a stored tensor, spelled as in a safetensors header.
///
/// The declaration order is the order in which the reference writer lays tensors out, largest
/// alignment first (safetensors `Dtype`, descending).
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

  /// The width of one element.
  /// - Units: bits.
  public var bitWidth: Int {
    switch self {
    case .u64, .i64, .f64, .c64: 64
    case .f32, .u32, .i32: 32
    case .bf16, .f16, .u16, .i16: 16
    case .f6E3M2, .f6E2M3: 6
    case .f4: 4
    default: 8
    }
  }

  /// The width of one element, or nil where elements do not fill whole bytes.
  /// - Units: bytes.
  public var byteWidth: Int? { bitWidth % 8 == 0 ? bitWidth / 8 : nil }

  /// Whether Graft can compute with values of this type (F32, BF16 and F16).
  public var isComputable: Bool { self == .f32 || self == .bf16 || self == .f16 }

  /// Whether weights of this type stand for values only together with their scales.
  public var isScaled: Bool { self == .f8E4M3 || self == .f8E5M2 }

  /// The position in the reference writer's order.
  public var writingOrder: Int { Self.order[self] ?? 0 }

  private static let order = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
