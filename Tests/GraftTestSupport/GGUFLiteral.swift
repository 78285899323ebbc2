/// A GGUF file put together from its parts, right or wrong, without the code that is tested.
public struct GGUFLiteral {
  /// The first four bytes.
  public var magic = Array("GGUF".utf8)
  /// The version of the format.
  public var version: UInt32 = 3
  /// What the header says; nil for the truth.
  public var tensorCount: UInt64?
  /// What the header says; nil for the truth.
  public var valueCount: UInt64?
  /// The metadata values, each as its bytes.
  public var values: [[UInt8]] = [value("general.architecture", 8, text("x"))]
  /// What is said of the tensors, each as its bytes.
  public var tensors: [[UInt8]] = [tensor("a", [4], 0, at: 0)]
  /// Where the data begin is a multiple of this.
  public var alignment = 32
  /// The data of all tensors.
  public var data = [UInt8](repeating: 7, count: 32)

  /// A file of one value and one tensor of four floats, all right.
  public init() {}

  /// A number as the file has it, little-endian.
  public static func number(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  /// A text as the file has it, its length first.
  public static func text(_ text: String) -> [UInt8] {
    number(UInt64(text.utf8.count)) + text.utf8
  }

  /// A metadata value from its key, the number of its type and its bytes.
  public static func value(_ key: String, _ type: UInt32, _ bytes: [UInt8]) -> [UInt8] {
    text(key) + number(type) + bytes
  }

  /// What is said of one tensor.
  /// - Parameter extents: innermost first, as the file has them.
  public static func tensor(
    _ name: String, _ extents: [UInt64], _ type: UInt32, at offset: UInt64
  ) -> [UInt8] {
    text(name) + number(UInt32(extents.count)) + extents.flatMap { number($0) } + number(type)
      + number(offset)
  }

  /// The whole file.
  public var bytes: [UInt8] {
    var bytes = magic + Self.number(version)
    bytes += Self.number(tensorCount ?? UInt64(tensors.count))
    bytes += Self.number(valueCount ?? UInt64(values.count))
    bytes += (values + tensors).joined()
    while bytes.count % alignment != 0 { bytes.append(0) }
    return bytes + data
  }
}
