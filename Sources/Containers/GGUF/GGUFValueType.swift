/// The type of a metadata value of a GGUF file.
public enum GGUFValueType: UInt32, CaseIterable, Sendable {
  case u8, i8, u16, i16, u32, i32, f32, bool, string, array, u64, i64, f64

  /// The width of a value; nil where it depends on the value.
  /// - Units: bytes.
  var byteWidth: Int? {
    switch self {
    case .u8, .i8, .bool: 1
    case .u16, .i16: 2
    case .u32, .i32, .f32: 4
    case .u64, .i64, .f64: 8
    case .string, .array: nil
    }
  }

  /// The name, as layout files and messages have it.
  public var name: String { "\(self)" }

  /// The type of a name.
  public init?(name: some StringProtocol) {
    guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = type
  }
}
