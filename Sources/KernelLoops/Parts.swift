import Kernels

enum Parts: PartKernels {
  @inline(never)
  static func splitTokens(
    _ rows: FloatRows, count: Int, depth: Int, panel: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    let height = PartShape.panel / 2
    var unused = (BitLanes(), BitLanes())
    for step in 0..<PartShape.steps(depth) {
      let k = step &* PartShape.step
      let parts = panel + (step &* PartShape.parts &* PartShape.pairBytes)
      for tile in 0..<(count &+ height &- 1) / height {
        for row in 0..<height {
          let source = rows[min(tile &* height &+ row, count &- 1)] + k
          split(
            source, count: depth &- k, scratch + (row &* PartShape.rowBytes),
            distance: PartShape.tileBytes, &unused)
        }
        for part in 0..<PartShape.parts {
          transposeTile(
            scratch + (part &* PartShape.tileBytes),
            parts + (part &* PartShape.pairBytes &+ tile &* PartShape.tileBytes))
        }
      }
    }
  }

  @inline(never)
  static func splitWeights(
    _ rows: FloatRows, count: Int, depth: Int, band: UnsafeMutableRawPointer
  ) -> Int {
    let steps = PartShape.steps(depth)
    var seen = (BitLanes(), BitLanes())
    for row in 0..<PartShape.band {
      let source = rows[min(row, count &- 1)]
      for step in 0..<steps {
        let k = step &* PartShape.step
        split(
          source + k, count: depth &- k,
          band + (step &* PartShape.pairBytes &+ row &* PartShape.rowBytes),
          distance: steps &* PartShape.pairBytes, &seen)
      }
    }
    return hasBits(seen.1) ? 3 : hasBits(seen.0) ? 2 : 1
  }

  @inline(never)
  static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloatRows
  ) {
    SumRows.write(
      FloatRows(sums, stride: PartShape.panel), rows: rows, tokens: tokens, bias: bias,
      target: target)
  }

  /// Turns the pairs of values of 16 tokens into 16 rows of pairs.
  @inline(__always)
  private static func transposeTile(
    _ source: UnsafeMutableRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    let source = Floats(source.assumingMemoryBound(to: Float.self))
    let target = target.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < 16 {
      var column = 0
      while column < 16 {
        Transposition.square(
          source + (row &* 16 &+ column), stride: 16, target: target + (column &* 16 &+ row),
          targetStride: 16)
        column &+= width
      }
      row &+= width
    }
  }

  /// Splits the values of one row in one step, of which there may be fewer.
  /// - Parameters:
  ///   - distance: of the parts, in bytes.
  ///   - seen: gets the bits of second and third parts.
  @inline(__always)
  private static func split(
    _ source: Floats, count: Int, _ target: UnsafeMutableRawPointer, distance: Int,
    _ seen: inout (BitLanes, BitLanes)
  ) {
    var index = 0
    while index < PartShape.step {
      var rest = load(source + index, first: count &- index)
      let place = target + (index &* 2)
      storeUpper(nextPart(&rest), place)
      let second = nextPart(&rest)
      storeUpper(second, place + distance)
      let third = nextPart(&rest)
      storeUpper(third, place + (2 &* distance))
      seen.0 |= second
      seen.1 |= third
      index &+= width
    }
  }

  /// Takes the next part from values, and leaves what it is short of them: the bits of the part, a BF16 in the
  /// upper half.
  ///
  /// Values that would round to infinity are cut off instead. Nothing is left of an infinity, so that its products
  /// with finite values stay infinite; a NaN leaves a NaN.
  @inline(__always)
  private static func nextPart(_ rest: inout Lanes) -> BitLanes {
    let size = magnitude(rest)
    let half = BitLanes().replacing(
      with: BitLanes(repeating: 0x8000), where: size .< Float(bitPattern: 0x7f7f_8000))
    let part = (unsafeBitCast(rest, to: BitLanes.self) &+ half) & 0xffff_0000
    let left = rest - unsafeBitCast(part, to: Lanes.self)
    rest = left.replacing(with: 0, where: size .== Float.infinity)
    return part
  }

  @inline(__always)
  private static func storeUpper(_ bits: BitLanes, _ target: UnsafeMutableRawPointer) {
    var halves = HalfWordLanes()
    for lane in 0..<width { halves[lane] = UInt16(truncatingIfNeeded: bits[lane] &>> 16) }
    target.storeBytes(of: halves, as: HalfWordLanes.self)
  }

  @inline(__always)
  private static func hasBits(_ bits: BitLanes) -> Bool {
    var all = UInt32()
    for lane in 0..<width { all |= bits[lane] }
    return all != 0
  }
}
