import Tensors

/// Where the codes, scales and offsets of a block lie that has no scales of scales.
///
/// ```
/// Q4_0 d qs   Q4_1 d m qs   Q5_0 d qh qs   Q5_1 d m qh qs   Q8_0 d qs   MXFP4 e qs   NVFP4 e×4 qs
/// ```
/// Of 32 values of four bits, or 16 of NVFP4, the low halves of all bytes come before the high ones.
struct BlockLayout: Sendable {
  let form: CodedForm
  /// The values and the bytes of a block.
  let size: Int
  let bytes: Int
  /// Where codes begin, and, of five bits, their highest ones.
  private let codes: Int
  private let fifths: Int?

  init?(_ type: ScalarType) {
    (size, bytes) = type.unit
    switch type {
    case .q4Zero: (form, codes, fifths) = (Self.integers(4, .zero(8)), 2, nil)
    case .q4One: (form, codes, fifths) = (Self.integers(4, .biases(.f16)), 4, nil)
    case .q5Zero: (form, codes, fifths) = (Self.integers(5, .zero(16)), 6, 2)
    case .q5One: (form, codes, fifths) = (Self.integers(5, .biases(.f16)), 8, 4)
    case .q8Zero: (form, codes, fifths) = (Self.integers(8, .zero(128)), 2, nil)
    case .mxfp4:
      form = CodedForm(codes: .float4, group: 32, scales: .exponent, offset: .none)
      (codes, fifths) = (1, nil)
    case .nvfp4:
      form = CodedForm(codes: .float4, group: 16, scales: .float8, offset: .none)
      (codes, fifths) = (4, nil)
    default: return nil
    }
  }

  private static func integers(_ bits: Int, _ offset: CodedForm.Offset) -> CodedForm {
    CodedForm(codes: .integers(bits: bits), group: 32, scales: .float(.f16), offset: offset)
  }

  /// The values whose halves of bytes stand together: those of a group, at most 32.
  private var span: Int { form.group }
  private var isBytes: Bool { form.bits == 8 }

  /// Writes the codes of a block; signed ones count from the lowest.
  func load(_ block: BlockBytes, into place: UnsafeMutablePointer<UInt8>) {
    if isBytes {
      for index in 0..<size { place[index] = block[codes + index] ^ 0x80 }
      return
    }
    let half = span / 2
    for first in stride(from: 0, to: size, by: span) {
      for lane in 0..<half {
        let byte = block[codes + first / 2 + lane]
        place[first + lane] = byte & 15
        place[first + lane + half] = byte >> 4
      }
    }
    guard let fifths else { return }
    let high = block.longWord(fifths)
    for index in 0..<size { place[index] |= UInt8(high >> UInt32(index) & 1) << 4 }
  }

  /// The scale of a group of a block and its offset.
  func terms(_ block: BlockBytes, _ group: Int) throws -> (Float, Float) {
    switch form.scales {
    case .float: return (block.half(0), offset(block))
    case .exponent:
      try check(exponent: block[0])
      return (Float(block[0]), 0)
    case .float8:
      // ggml takes the code that is no number elsewhere for zero, and reads no sign.
      let code = block[group] & 0x7f
      return (code == 0x7f ? 0 : Float(code), 0)
    }
  }

  private func offset(_ block: BlockBytes) -> Float {
    switch form.offset {
    case .zero(let code): Float(code)
    case .biases: block.half(2)
    case .zeros, .none: 0
    }
  }

  private func check(exponent: UInt8) throws {
    guard exponent < 255 else {
      throw RecodingObstacle("exponents below 255, which stands for a number in GGUF alone", "255")
    }
  }

  /// Refuses scales that mean something else in blocks.
  func checkScales(of rows: any CodedRows) throws {
    guard form.codes == .float4 else { return }
    let largest: Float = form.scales == .exponent ? 254 : 0x7e
    for first in stride(from: 0, to: rows.rowCount, by: 64) {
      let lines = first..<min(first + 64, rows.rowCount)
      try rows.withTerms(lines) { scales, _ in
        for index in 0..<lines.count * rows.groups where scales[index] > largest {
          throw RecodingObstacle(
            "scales that blocks of GGUF hold", "scales beyond them")
        }
      }
    }
  }

  /// Writes a block.
  func store(
    _ values: UnsafePointer<UInt8>, _ scales: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>,
    into block: UnsafeMutableRawPointer
  ) {
    store(scales, offsets, into: block)
    if isBytes {
      for index in 0..<size {
        block.storeBytes(of: values[index] ^ 0x80, toByteOffset: codes + index, as: UInt8.self)
      }
      return
    }
    let half = span / 2
    for first in stride(from: 0, to: size, by: span) {
      for lane in 0..<half {
        let byte = values[first + lane] & 15 | values[first + lane + half] << 4
        block.storeBytes(of: byte, toByteOffset: codes + first / 2 + lane, as: UInt8.self)
      }
    }
    guard let fifths else { return }
    let high = (0..<size).reduce(UInt32(0)) { $0 | UInt32(values[$1] >> 4) << UInt32($1) }
    block.storeBytes(of: high.littleEndian, toByteOffset: fifths, as: UInt32.self)
  }

  private func store(
    _ scales: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>,
    into block: UnsafeMutableRawPointer
  ) {
    switch form.scales {
    case .float:
      block.storeBytes(of: FloatBits.f16(scales[0]).littleEndian, as: UInt16.self)
      if case .biases = form.offset {
        block.storeBytes(
          of: FloatBits.f16(offsets[0]).littleEndian, toByteOffset: 2, as: UInt16.self)
      }
    case .exponent, .float8:
      for group in 0..<size / form.group {
        block.storeBytes(of: UInt8(scales[group]), toByteOffset: group, as: UInt8.self)
      }
    }
  }
}
