import Tensors

/// Random numbers that depend only on a seed and a name, the same on every machine.
///
/// The name (of a role and its layer) picks an independent stream, so that adding a tensor does not
/// change the values of another.
struct SeededNumbers {
  private var bits: SplitMix64

  /// The stream of one name under one seed.
  init(seed: UInt64, name: String) {
    // FNV-1a with its 64-bit offset and prime; the seed is spread by 2^64 divided by the golden ratio.
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    bits = SplitMix64(seed: seed &* 0x9e37_79b9_7f4a_7c15 ^ hash)
    _ = bits.next()
  }

  /// A number strictly between 0 and 1, uniformly distributed.
  mutating func uniform() -> Double { bits.uniform() }

  /// A normally distributed number with mean 0.
  mutating func normal(deviation: Double) -> Float {
    Float(deviation * ReproducibleMath.normalQuantile(uniform()))
  }
}
