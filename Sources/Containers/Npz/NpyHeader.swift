import Diagnostics
import Tensors

/// The header of an array as numpy stores it.
///
/// ```
/// 0            6     8                10
/// | 93 NUMPY   | 1 0 | length n, u16  | {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } …\n |
/// ```
/// Versions 2 and 3 have a length of 32 bits.
struct NpyHeader: Hashable {
  /// The type of the elements.
  let type: ScalarType
  /// Whether the first axis moves fastest.
  let isFortran: Bool
  /// The extents, outermost first.
  let shape: [Int]
  /// The size of the header, behind which the elements begin.
  /// - Units: bytes.
  private(set) var size = 0

  private static let magic: [UInt8] = [0x93] + "NUMPY".utf8
  /// The longest header, as in numpy.
  /// - Units: bytes.
  static let limit = 10_000 + 12

  /// numpy has no bfloat16; mlx and ml_dtypes store it as two bytes without a meaning.
  private static let types: [(text: String, type: ScalarType)] = [
    ("<f8", .f64), ("<f4", .f32), ("<f2", .f16), ("<V2", .bf16), ("<i8", .i64), ("<i4", .i32),
    ("<i2", .i16), ("|i1", .i8), ("<u8", .u64), ("<u4", .u32), ("<u2", .u16), ("|u1", .u8),
    ("|b1", .bool), ("<c8", .c64), ("|V2", .bf16),
  ]

  /// Reads the header at the beginning of an array.
  /// - Throws: `Problem` of kind `invalid` where it is none, `unsupported` for types that tensors do
  ///   not have.
  init(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.starts(with: Self.magic) else {
      throw Problem(.invalid, "not an array of numpy", expected: "the magic text of numpy")
    }
    var reader = ByteReader(bytes, Self.magic.count..<bytes.count)
    let version = (major: try reader.next(UInt8.self), minor: try reader.next(UInt8.self))
    guard (1...3).contains(version.major), version.minor == 0 else {
      throw Problem(
        .unsupported, "an array of another version of numpy", expected: "version 1 to 3",
        found: "\(version.major).\(version.minor)")
    }
    let length =
      version.major == 1 ? Int(try reader.next(UInt16.self)) : Int(try reader.next(UInt32.self))
    var literal = PythonLiteral(try reader.text(length))
    let fields = try literal.header()
    guard let type = Self.types.first(where: { $0.text == fields.type })?.type else {
      throw Problem(
        .unsupported, "an array with a type that tensors do not have",
        expected: Self.types.map(\.text).joined(separator: " "), found: fields.type)
    }
    self.init(type: type, isFortran: fields.isFortran, shape: fields.shape)
    size = reader.position
  }

  /// The header of an array, in row-major order unless told otherwise.
  init(type: ScalarType, isFortran: Bool = false, shape: [Int]) {
    self.type = type
    self.isFortran = isFortran
    self.shape = shape
  }

  /// The header as it begins an array, a multiple of 64 bytes; nil where numpy has no such type.
  var bytes: [UInt8]? {
    guard let text = Self.types.first(where: { $0.type == type })?.text else { return nil }
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let order = isFortran ? "True" : "False"
    let dictionary = "{'descr': '\(text)', 'fortran_order': \(order), 'shape': (\(extents)), }"
    let padding = 63 - (Self.magic.count + 4 + dictionary.utf8.count) % 64
    var header = LittleEndianBytes(bytes: Self.magic + [1, 0])
    header.append(UInt16(dictionary.utf8.count + padding + 1))
    header.bytes += dictionary.utf8
    header.bytes += [UInt8](repeating: UInt8(ascii: " "), count: padding)
    return header.bytes + [UInt8(ascii: "\n")]
  }
}
