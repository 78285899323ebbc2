/// Random numbers that depend only on a seed and a name, the same on every machine.
///
/// The generator is SplitMix64; the name (of a role and its layer) picks an independent stream, so
/// that adding a tensor does not change the values of another.
struct SeededNumbers {
  private var state: UInt64

  /// The stream of one name under one seed.
  init(seed: UInt64, name: String) {
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    state = seed &* 0x9e37_79b9_7f4a_7c15 ^ hash
    _ = next()
  }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number strictly between 0 and 1, uniformly distributed.
  mutating func uniform() -> Double { (Double(next() >> 12) + 0.5) / 0x1p52 }

  /// A normally distributed number with mean 0.
  mutating func normal(deviation: Double) -> Float {
    Float(deviation * ReproducibleMath.normalQuantile(uniform()))
  }
}
