/// A small generator of pseudo-random bits, the same on every machine (Steele, Lea and Flood 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator that yields the same numbers for the same seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    // The increment is 2^64 divided by the golden ratio; the two factors are the paper's.
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number strictly between 0 and 1, uniformly distributed.
  public mutating func uniform() -> Double { (Double(next() >> 12) + 0.5) / 0x1p52 }
}
