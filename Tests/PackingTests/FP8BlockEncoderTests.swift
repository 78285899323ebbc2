import Tensors
import Testing

@testable import Packing

struct FP8BlockEncoderTests {
  /// Every value is what the nearest F8_E4M3 number times the scale of its block says, ties to the even
  /// code, and blocks at the ends are smaller.
  @Test(arguments: [ScalarType.bf16, .f32], [[5, 7], [2, 9, 6], [4, 8], [1, 1]])
  func valuesAreRoundedByBlock(type: ScalarType, shape: [Int]) throws {
    let values = Self.values(shape.reduce(1, *)).map { FloatBits.rounded($0, to: type) }
    let encoder = try FP8BlockEncoder(shape: shape, block: 4, type: type).measured(of: values)
    let scales = try #require(encoder.bytes(of: 1)).withUnsafeBytes { bytes in
      (0..<encoder.parts[1].shape.reduce(1, *)).map { FloatBits.load(bytes, $0, type) }
    }
    let codes = encoder.packed(values, part: 0)
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let grid = [(rows + 3) / 4, (columns + 3) / 4]
    #expect(encoder.parts[1].shape == shape.dropLast(2) + grid)
    for index in values.indices {
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let block = (row / rows * grid[0] + row % rows / 4) * grid[1] + column / 4
      let members = values.indices.filter {
        $0 / columns / rows == row / rows && $0 / columns % rows / 4 == row % rows / 4
          && $0 % columns / 4 == column / 4
      }
      let largest = members.map { abs(values[$0]) }.max() ?? 0
      let scale = FloatBits.rounded(largest / 448, to: type)
      #expect(scales[block] == (scale > 0 ? scale : 1))
      #expect(codes[index] == Self.nearest(values[index] / scales[block]), "\(index)")
    }
  }

  /// Runs of any length give the same bytes.
  @Test func runsMayEndAnywhere() throws {
    let values = Self.values(11 * 13)
    let encoder = try FP8BlockEncoder(shape: [11, 13], block: 4, type: .f32).measured(of: values)
    let whole = encoder.packed(values, part: 0)
    var pieces: [UInt8] = []
    for start in stride(from: 0, to: values.count, by: 10) {
      let run = start..<min(start + 10, values.count)
      pieces += [UInt8](unsafeUninitializedCapacity: run.count) { buffer, filled in
        let piece = Array(values[run])
        if let place = buffer.baseAddress {
          _ = encoder.encode(run, piece, part: 0, to: UnsafeMutableRawPointer(place))
        }
        filled = run.count
      }
    }
    #expect(pieces == whole)
  }

  private static func values(_ count: Int) -> [Float] {
    var random = SplitMix64(seed: 7)
    return (0..<count).map { index in
      switch index % 7 {
      case 0: 0
      case 1: Float(Int(random.next() % 64)) - 32
      default: (Float(random.next() >> 40) / Float(1 << 24) - 0.5) * 0.1
      }
    }
  }

  /// The code by search among all.
  private static func nearest(_ value: Float) -> UInt8 {
    let size = Double(min(abs(value), 448))
    let codes = (UInt8(0)...0x7e).map { ($0, abs(Double(FloatBits.float(f8E4M3: $0)) - size)) }
    let least = codes.map(\.1).min() ?? 0
    let best = codes.filter { $0.1 == least }.map(\.0)
    let code = best.first { $0 & 1 == 0 } ?? best[0]
    return code | (value.sign == .minus ? 0x80 : 0)
  }
}

extension FP8BlockEncoder {
  /// The encoder that has seen some values, in two runs.
  fileprivate func measured(of values: [Float]) throws -> Self {
    try measured { body in
      let half = values.count / 2
      try values.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return }
        try body(0..<half, base)
        try body(half..<values.count, base + half)
      }
    }
  }
}
