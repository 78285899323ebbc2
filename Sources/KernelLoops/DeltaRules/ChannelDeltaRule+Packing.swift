import Kernels

extension ChannelDeltaRule {
  /// Half a chunk: within one, decays go from step to step; between the two, they are those up to and from the middle.
  @inline(__always)
  private static var half: Int { chunk / 2 }
  /// The columns of the turned keys: half a chunk, or a vector where that is wider.
  @inline(__always)
  private static var panel: Int { max(half, width) }

  @inline(__always)
  private static func rowLength(_ dk: Int) -> Int { (dk &+ width &- 1) / width &* width }

  static func packedCount(dk: Int) -> Int {
    ChannelDeltaRuleParts.count(length: rowLength(dk), chunk: chunk, panel: panel)
  }

  /// The parts of a packed chunk.
  @inline(__always)
  static func parts(_ start: MutableFloats, dk: Int) -> ChannelDeltaRuleParts {
    ChannelDeltaRuleParts(start, length: rowLength(dk), chunk: chunk, panel: panel)
  }

  /// The products of the key of a step with earlier keys.
  @inline(__always)
  static func kk(_ parts: ChannelDeltaRuleParts, _ step: Int) -> MutableFloats {
    parts.products + (step &* chunk)
  }

  /// The products of the query of a step with its key and earlier ones.
  @inline(__always)
  static func qk(_ parts: ChannelDeltaRuleParts, _ step: Int) -> MutableFloats {
    kk(parts, chunk &+ step)
  }

  @inline(never)
  static func pack(
    _ keys: DeltaRuleKeys, gamma: FloatRows, epsilon: Float, scale: Float, packed: MutableFloats
  ) {
    let parts = parts(packed, dk: keys.dk)
    // All rows before anything else, one kind after the other: each may come from far away, and short loops wait for
    // many at once.
    for i in 0..<keys.steps { copy(gamma[i], keys.dk, to: parts.gamma[i]) }
    for i in 0..<keys.steps {
      toLength(1, keys.k[i], keys.dk, epsilon, target: parts.writers[i])
    }
    for i in 0..<keys.steps {
      toLength(scale, keys.q[i], keys.dk, epsilon, target: parts.queries[i])
    }
    read(parts, 0..<min(half, keys.steps))
    decay(parts, 0..<min(half, keys.steps))
    guard half < keys.steps else { return }
    copy(parts.kept, parts.length, to: parts.keptFirst)
    turn(parts)
    read(parts, half..<keys.steps)
    multiplyHalves(parts, keys.dk, rows: keys.steps &- half)
    decay(parts, half..<keys.steps)
    for i in half..<keys.steps {
      multiply(parts.readers[i], parts.keptFirst, parts.length)
      multiply(parts.readers[chunk &+ i], parts.keptFirst, parts.length)
    }
    for j in 0..<half { multiply(parts.writers[j], parts.kept, parts.length) }
    multiply(parts.kept, parts.keptFirst, parts.length)
  }

  /// Keys and queries of some steps as they read what was before the first of them.
  @inline(__always)
  private static func read(_ parts: ChannelDeltaRuleParts, _ steps: Range<Int>) {
    for index in Swift.stride(from: 0, to: parts.length, by: width) {
      var kept = Lanes(repeating: 1)
      for i in steps {
        kept *= load(parts.gamma[i] + index)
        store(kept * load(parts.writers[i] + index), parts.readers[i] + index)
        store(kept * load(parts.queries[i] + index), parts.readers[chunk &+ i] + index)
      }
      store(kept, parts.kept + index)
    }
  }

  /// Lets keys decay from each step to the last one, and multiplies what is left of them with the key and the query of
  /// every later step.
  @inline(__always)
  private static func decay(_ parts: ChannelDeltaRuleParts, _ steps: Range<Int>) {
    for i in steps {
      var j = steps.lowerBound
      while j &+ 4 <= i {
        decay(4, parts, from: j, at: i)
        j &+= 4
      }
      switch i &- j {
      case 3: decay(3, parts, from: j, at: i)
      case 2: decay(2, parts, from: j, at: i)
      case 1: decay(1, parts, from: j, at: i)
      default: break
      }
      qk(parts, i)[i] = innerProduct(parts.queries[i], parts.writers[i], parts.length)
    }
  }

  /// The same for a few keys, their number known to the compiler, and one step; several at once, because one sum would
  /// wait for itself.
  @inline(__always)
  private static func decay(
    _ count: Int, _ parts: ChannelDeltaRuleParts, from first: Int, at step: Int
  ) {
    var (ofKey, ofQuery) = (
      InlineArray<4, Lanes>(repeating: Lanes()), InlineArray<4, Lanes>(repeating: Lanes())
    )
    let (gamma, key, query) = (parts.gamma[step], parts.writers[step], parts.queries[step])
    for index in Swift.stride(from: 0, to: parts.length, by: width) {
      let g = load(gamma + index)
      let (k, q) = (load(key + index), load(query + index))
      for row in 0..<count {
        let place = parts.writers[first &+ row] + index
        let kept = g * load(place)
        store(kept, place)
        ofKey[row] = fused(ofKey[row], k, kept)
        ofQuery[row] = fused(ofQuery[row], q, kept)
      }
    }
    // What is written behind the keys belongs to later steps, of which nothing is read.
    putSums(ofKey, kk(parts, step) + first)
    putSums(ofQuery, qk(parts, step) + first)
  }

  /// Writes the sums of four vectors.
  @inline(__always)
  private static func putSums(_ lanes: InlineArray<4, Lanes>, _ target: MutableFloats) {
    let (a, b) = (quarter(lanes[0]), quarter(lanes[1]))
    let (c, d) = (quarter(lanes[2]), quarter(lanes[3]))
    let ab = pairs(a, b)
    let cd = pairs(c, d)
    UnsafeMutableRawPointer(target).storeBytes(of: pairs(ab, cd), as: SIMD4<Float>.self)
  }

  /// The sums of neighbours of two vectors.
  @inline(__always)
  private static func pairs(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
    SIMD4(lowHalf: a.evenHalf, highHalf: b.evenHalf)
      + SIMD4(lowHalf: a.oddHalf, highHalf: b.oddHalf)
  }

  /// Four sums that make up that of all lanes.
  @inline(__always)
  private static func quarter(_ lanes: Lanes) -> SIMD4<Float> {
    #if V4
      let eight = lanes.lowHalf + lanes.highHalf
      return eight.lowHalf + eight.highHalf
    #elseif V3
      return lanes.lowHalf + lanes.highHalf
    #else
      return lanes
    #endif
  }

  /// Turns the keys of the first half into columns; those behind them mean nothing.
  @inline(__always)
  private static func turn(_ parts: ChannelDeltaRuleParts) {
    for row in Swift.stride(from: 0, to: panel, by: width) {
      for column in Swift.stride(from: 0, to: parts.length, by: width) {
        Transposition.square(
          parts.writers[row] + column, stride: parts.length,
          target: parts.turned + (column &* panel &+ row), targetStride: panel)
      }
    }
  }

  /// The products of keys and queries of the second half with the keys of the first.
  @inline(__always)
  private static func multiplyHalves(_ parts: ChannelDeltaRuleParts, _ dk: Int, rows: Int) {
    multiplyHalves(parts, dk, reader: half, rows: rows, to: kk(parts, half))
    multiplyHalves(parts, dk, reader: chunk &+ half, rows: rows, to: qk(parts, half))
  }

  @inline(__always)
  private static func multiplyHalves(
    _ parts: ChannelDeltaRuleParts, _ dk: Int, reader: Int, rows: Int, to target: MutableFloats
  ) {
    DeltaRule.clear(target, half &* chunk)
    let product = TileProduct(
      a: FloatRows(parts.readers[reader], stride: parts.length),
      b: FloatRows(parts.turned, stride: panel), c: MutableFloatRows(target, stride: chunk),
      rows: rows, depth: dk)
    if panel == Tile.columns {
      Tile.accumulate(product)
    } else {
      Tile.accumulateNarrow(product)
    }
  }

  /// `target = length · x / √(Σx² + ε)`
  @inline(__always)
  private static func toLength(
    _ length: Float, _ x: Floats, _ count: Int, _ epsilon: Float, target: MutableFloats
  ) {
    let factor = length / (innerProduct(x, x, count) + epsilon).squareRoot()
    for index in Swift.stride(from: 0, to: count, by: width) {
      store(factor * load(x + index, first: count &- index), target + index)
    }
  }

  @inline(__always)
  private static func copy(_ x: Floats, _ count: Int, to target: MutableFloats) {
    for index in Swift.stride(from: 0, to: count, by: width) {
      store(load(x + index, first: count &- index), target + index)
    }
  }

  /// `x = x ⊙ y`
  @inline(__always)
  private static func multiply(_ x: MutableFloats, _ y: Floats, _ count: Int) {
    for index in Swift.stride(from: 0, to: count, by: width) {
      store(load(x + index) * load(y + index), x + index)
    }
  }
}
