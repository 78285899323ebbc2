import Tensors

/// A weight whose values are moved at random by no more than rounding may have moved them: where a weight
/// could as well lie whose nearest levels are these.
///
/// The same number of a draw moves the same value the same way, whoever asks.
struct RoundedAgain: PackedWeight {
  private let weight: any PackedWeight
  private let seed: UInt64

  /// A weight beside another.
  /// - Parameter draw: which of many.
  init(_ weight: any PackedWeight, draw: Int) {
    self.weight = weight
    let name = (weight.parts.first?.name ?? "").utf8
    seed = name.reduce(UInt64(draw) &* 0x9e37_79b9_7f4a_7c15) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
  }

  var shape: [Int] { weight.shape }
  var scheme: PackingScheme { weight.scheme }
  var parts: [PackedPart] { weight.parts }

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try weight.decode(run, into: values)
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: run.count) { spacing in
      guard let spacing = spacing.baseAddress else { return }
      try weight.spacing(run, into: spacing)
      for (place, index) in run.enumerated() { values[place] += spacing[place] * part(index) }
    }
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try weight.spacing(run, into: values)
  }

  /// A number from -1/2 to 1/2 for each value.
  private func part(_ index: Int) -> Float {
    var bits = SplitMix64(seed: seed &+ UInt64(truncatingIfNeeded: index) &* 0xd134_2543_de82_ef95)
    return Float(Int32(truncatingIfNeeded: bits.next())) * 0x1p-32
  }
}

/// How far apart the levels of a weight lie, as if that were a weight.
struct SpacingWeight: PackedWeight {
  private let weight: any PackedWeight

  /// The spacing of a weight.
  init(_ weight: any PackedWeight) { self.weight = weight }

  var shape: [Int] { weight.shape }
  var scheme: PackingScheme { weight.scheme }
  var parts: [PackedPart] { weight.parts }

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try weight.spacing(run, into: values)
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    values.update(repeating: 0, count: run.count)
  }
}

extension PackedWeight {
  /// A weight whose values are moved at random by no more than rounding may have moved them.
  /// - Parameter draw: which of many.
  public func roundedAgain(_ draw: Int) -> any PackedWeight { RoundedAgain(self, draw: draw) }

  /// How far apart the levels lie, value by value.
  public var spacings: any PackedWeight { SpacingWeight(self) }
}
