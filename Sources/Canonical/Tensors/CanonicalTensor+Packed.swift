import Packing
import Tensors

extension CanonicalTensor {
  /// The stored tensor as a weight that is decoded where it lies, counted like the elements of the view;
  /// nil where it lies there as F32.
  public var packed: (any PackedWeight)? {
    if let unpacked = region.storage as? UnpackedBytes {
      return region.count == unpacked.count ? unpacked.weight : nil
    }
    if let scales { return ScaledWeight(stored, scales) }
    return type != .f32 && type.isComputable ? stored.weight : nil
  }

  /// Whether the values were rounded to fewer levels than floats of 16 bits have.
  public var isQuantised: Bool {
    region.storage is UnpackedBytes || scales != nil || type.isBlock
  }

  /// The stored tensor as a part of a weight; its shape is a row of all elements.
  private var stored: PackedPart {
    let unit = type.unit
    return PackedPart(
      name: origin, type: type, shape: [region.count / unit.bytes * unit.elements], region: region)
  }

  /// The tensor with another weight in the place of the one that it lies in.
  fileprivate func replacing(_ weight: any PackedWeight, _ steps: [ValueStep]) -> CanonicalTensor {
    CanonicalTensor(
      shape: shape, type: .f32, region: weight.unpacked, view: view, steps: steps, origin: origin)
  }

  /// How far apart the levels lie to which the values were rounded; nil where nothing was rounded.
  public var spacing: CanonicalTensor? { packed.map { replacing($0.spacings, []) } }

  /// The tensor with values that could as well have been rounded to its own; the same where none were.
  /// - Parameter draw: which of many.
  public func roundedAgain(_ draw: Int) -> CanonicalTensor {
    packed.map { replacing($0.roundedAgain(draw), steps) } ?? self
  }
}

extension CanonicalModel {
  /// Whether weights are quantised.
  public var isQuantised: Bool { tensors.values.contains(where: \.isQuantised) }

  /// A model that is as far from this one as the one from which this was rounded, in another direction.
  /// - Parameter draw: which of many.
  public func roundedAgain(_ draw: Int) -> CanonicalModel {
    CanonicalModel(
      configuration: configuration, tensors: tensors.mapValues { $0.roundedAgain(draw) })
  }
}

/// Stored floats with the scales of their blocks.
private struct ScaledWeight: PackedWeight {
  private let stored: any PackedWeight
  private let scales: BlockScales

  init(_ stored: PackedPart, _ scales: BlockScales) {
    (self.stored, self.scales) = (stored.weight, scales)
  }

  var shape: [Int] { stored.shape }
  var parts: [PackedPart] { stored.parts }
  var scheme: PackingScheme { stored.scheme }

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try stored.decode(run, into: values)
    try multiply(run, values)
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try stored.spacing(run, into: values)
    try multiply(run, values)
    for place in 0..<run.count { values[place] = abs(values[place]) }
  }

  private func multiply(_ run: Range<Int>, _ values: UnsafeMutablePointer<Float>) throws {
    try scales.forEachBlock(in: run) { block, scale in
      for index in block { values[index - run.lowerBound] *= scale }
    }
  }
}
