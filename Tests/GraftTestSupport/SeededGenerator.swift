import Tensors

/// A repeatable generator, so that a failing seed can be run again.
public struct SeededGenerator: RandomNumberGenerator {
  private var bits: SplitMix64

  /// A generator that yields the same numbers for the same seed.
  public init(seed: UInt64) { bits = SplitMix64(seed: seed) }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 { bits.next() }

  /// A value between -1 and 1.
  public mutating func float() -> Float {
    Float(Int32(truncatingIfNeeded: next() >> 32)) / Float(Int32.max)
  }
}
