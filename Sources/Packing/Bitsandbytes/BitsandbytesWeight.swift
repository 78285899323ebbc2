import Diagnostics
import Tensors

/// A weight of 4 bits as bitsandbytes packs it: blocks of codes that go on from row to row.
struct BitsandbytesWeight: PackedWeight {
  let shape: [Int]
  let scheme: PackingScheme
  let parts: [PackedPart]
  private let codes: ByteRegion
  private let block: Int
  private let absmax: PackedPart
  private let nested: Nested?
  private let map: [Float]
  /// How far apart the numbers of the map lie.
  private let mapSpacing: [Float]

  /// How scales are packed themselves.
  private struct Nested {
    let block: Int
    let offset: Float
    let map: [Float]
    let absmax: ByteRegion
  }

  init(
    _ module: String, _ codes: PackedPart, _ state: BitsandbytesState,
    _ part: (String) -> PackedPart?
  ) throws {
    // The codes, two to a byte.
    let blocks = (state.count - 1) / state.block + 1
    guard codes.region.count == (state.count - 1) / 2 + 1 else {
      throw Problem(
        .invalid, "the codes of a packed weight do not fill its shape", tensor: codes.name,
        expected:
          "\((state.count - 1) / 2 + 1) bytes for shape \(TensorShape.shortText(state.shape))",
        found: "\(codes.region.count) bytes", remedy: PackedPart.remedy)
    }
    let name = module + ".weight"
    func required(_ end: String) throws -> PackedPart {
      try PackedPart.required(part(".weight" + end), name + end)
    }
    // The values that codes stand for, and the scale of each block.
    let absmax = try required(".absmax").shaped([blocks])
    let map = try required(".quant_map").of(.f32).shaped([16])
    (shape, self.codes, block) = (state.shape, codes.region, state.block)
    scheme = PackingScheme(method: "bitsandbytes \(state.type)", bits: 4, group: state.block)
    self.map = try Self.floats(map)
    mapSpacing = LevelSpacing.of(self.map)
    var parts = [codes, absmax, map, state.part]
    // Scales may be packed themselves, in blocks of their own.
    if let nested = state.nested {
      self.absmax = try absmax.of(.u8)
      let second = try required(".nested_absmax").of(.f32)
        .shaped([(blocks - 1) / nested.block + 1])
      let secondMap = try required(".nested_quant_map").of(.f32).shaped([256])
      self.nested = Nested(
        block: nested.block, offset: nested.offset, map: try Self.floats(secondMap),
        absmax: second.region)
      parts += [second, secondMap]
    } else {
      self.absmax = try absmax.of(.f32, .bf16, .f16)
      self.nested = nil
    }
    self.parts = parts
  }

  private static func floats(_ part: PackedPart) throws -> [Float] {
    try part.region.withBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
  }

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try decode(run, by: map, into: values)
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try decode(run, by: mapSpacing, into: values)
    for place in 0..<run.count { values[place] = abs(values[place]) }
  }

  /// Writes what a table has for each code of a run, times the scale.
  private func decode(
    _ run: Range<Int>, by map: [Float], into values: UnsafeMutablePointer<Float>
  ) throws {
    guard !run.isEmpty else { return }
    try codes.withBytes(in: run.lowerBound / 2..<(run.upperBound + 1) / 2) { bytes in
      try map.withUnsafeBufferPointer { map in
        let even = run.lowerBound & ~1
        var start = run.lowerBound
        while start < run.upperBound {
          let end = min((start / block + 1) * block, run.upperBound)
          let scale = try scale(of: start / block)
          for index in start..<end {
            let pair = bytes[(index - even) >> 1]
            let code = index & 1 == 0 ? pair >> 4 : pair & 15
            values[index - run.lowerBound] = map[Int(code)] * scale
          }
          start = end
        }
      }
    }
  }

  /// The largest magnitude in a block.
  private func scale(of block: Int) throws -> Float {
    let width = absmax.type.byteWidth ?? 1
    return try absmax.region.withBytes(in: block * width..<(block + 1) * width) { bytes in
      guard let nested else { return FloatBits.load(bytes, 0, absmax.type) }
      let second = block / nested.block * 4
      let factor = try nested.absmax.withBytes(in: second..<second + 4) {
        $0.loadUnaligned(as: Float.self)
      }
      return nested.map[Int(bytes[0])] * factor + nested.offset
    }
  }
}
