import Tensors

extension Q4Zero: WeighingEncoder {
  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    WeighedRow(values, count, importances)
      .encode(around: 8, fifths: nil, codes: 2, size: type.unit.bytes, into: place)
  }
}

extension Q4One: WeighingEncoder {
  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    WeighedRow(values, count, importances)
      .encode(upTo: 15, fifths: nil, codes: 4, size: type.unit.bytes, into: place)
  }
}

extension Q5Zero: WeighingEncoder {
  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    WeighedRow(values, count, importances)
      .encode(around: 16, fifths: 2, codes: 6, size: type.unit.bytes, into: place)
  }
}

extension Q5One: WeighingEncoder {
  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    WeighedRow(values, count, importances)
      .encode(upTo: 31, fifths: 4, codes: 8, size: type.unit.bytes, into: place)
  }
}

/// A row of blocks of 32 values, of which each counts by its importance and its size beside the row's.
private struct WeighedRow {
  private let values: UnsafePointer<Float>
  private let count: Int
  private let importances: UnsafePointer<Float>
  private let energy: Lanes

  init(_ values: UnsafePointer<Float>, _ count: Int, _ importances: UnsafePointer<Float>) {
    (self.values, self.count, self.importances) = (values, count, importances)
    energy = Lanes(
      repeating: sumOfSquares(values, count: 32 * count) / Float(32 * count))
  }

  /// Blocks of levels around zero: a scale, then the codes.
  func encode(
    around half: Float, fifths: Int?, codes: Int, size: Int, into place: UnsafeMutableRawPointer
  ) {
    let search = ScaleSearch(half: half, size: 32)
    forEachEight { lanes, blocks in
      let scale = search(
        lanes.values, weights: lanes.weights, levels: lanes.levels, scratch: lanes.scratch)
      Self.put(scale, blocks, size, into: place)
      lanes.put(blocks, fifths: fifths, codes: codes, size: size, into: place)
    }
  }

  /// Blocks of levels from a minimum on: a scale and the minimum, then the codes.
  func encode(
    upTo highest: Float, fifths: Int?, codes: Int, size: Int, into place: UnsafeMutableRawPointer
  ) {
    let search = PairSearch.weighing(highest: highest)
    forEachEight { lanes, blocks in
      let fit = search(
        lanes.values, weights: lanes.weights, levels: lanes.levels, trial: lanes.scratch)
      Self.put(fit.scale, blocks, size, into: place)
      Self.put(fit.minimum, blocks, size, into: place + 2)
      lanes.put(blocks, fifths: fifths, codes: codes, size: size, into: place)
    }
  }

  @inline(__always)
  private func forEachEight(_ body: (SideBySide, Range<Int>) -> Void) {
    SideBySide.encode(values, blocks: count) { lanes, blocks in
      lanes.load(importances, blocks, into: lanes.weights)
      for index in 0..<32 {
        lanes.weights[index] = lanes.weights[index].weight(of: lanes.values[index], energy: energy)
      }
      body(lanes, blocks)
    }
  }

  private static func put(
    _ numbers: Lanes, _ blocks: Range<Int>, _ size: Int, into place: UnsafeMutableRawPointer
  ) {
    for (lane, block) in blocks.enumerated() {
      place.storeBytes(
        of: FloatBits.f16(numbers[lane]).littleEndian, toByteOffset: block * size, as: UInt16.self)
    }
  }
}
