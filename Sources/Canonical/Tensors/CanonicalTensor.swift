import Packing
import Tensors

/// One tensor of the canonical model, read lazily from wherever its bytes are.
public struct CanonicalTensor: Sendable {
  /// The canonical shape.
  public let shape: [Int]
  /// The type of the stored elements.
  public let type: ScalarType
  /// The bytes of the whole stored tensor that holds this one.
  public let region: ByteRegion
  /// Where the canonical elements, in row-major order of `shape`, lie in the stored tensor.
  public let view: StridedView
  /// What was done to canonical values when they were stored, in order.
  public let steps: [ValueStep]
  /// The scales by which stored elements are multiplied; nil for a type that needs none.
  public let scales: BlockScales?
  /// Whether the layout stores such tensors in this type whatever type they had elsewhere.
  public var hasFixedType = false
  /// The type that such values had in the layout they go to, as the record of a conversion says.
  public var formerType: ScalarType?
  /// The types that the stored tensors had that made it up in the layout it goes to, where they differed.
  public var formerTypes: [ScalarType] = []
  /// Whether the record of a conversion kept the bytes for the stored tensor.
  public var isRestored = false
  /// Whether rows were cut off or added, so that the tensor differs from the stored one.
  public var isResized = false
  /// Whether the elements come from another checkpoint than that whose names they get.
  public var isForeign = false
  /// Whether the changes of an adapter are part of the elements.
  public var isMerged = false
  /// Whether several stored tensors make it up.
  public var isJoined = false
  /// The stored tensors that make it up, where they differ in type and its values are therefore F32.
  public var pieces: [CanonicalTensor] = []
  /// The name under which the elements are stored, for messages and reports.
  public let origin: String

  /// The origin of a tensor that no checkpoint holds yet.
  public static let newOrigin = "new"

  /// A tensor that lies inside a stored one.
  public init(
    shape: [Int], type: ScalarType, region: ByteRegion, view: StridedView,
    steps: [ValueStep] = [], scales: BlockScales? = nil, origin: String
  ) {
    self.shape = shape
    self.type = type
    self.region = region
    self.view = view
    self.steps = steps
    self.scales = scales
    self.origin = origin
  }

  /// A tensor made in memory, F32, in canonical order.
  /// - Precondition: `values.count` is the product of `shape`.
  public init(shape: [Int], values: [Float], origin: String) {
    precondition(values.count == shape.reduce(1, *))
    self.init(
      shape: shape, type: .f32, region: ByteRegion(OwnedBytes(values)),
      view: StridedView(contiguous: shape), origin: origin)
  }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// Whether Graft can compute with the values.
  public var isComputable: Bool { type.isComputable || (type.isScaled && scales != nil) }

  /// The values in canonical order, scaled and with the value steps undone.
  /// - Precondition: `isComputable`.
  /// - Cost: 4 bytes per element of new memory.
  public func floats() throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: count) { values, filled in
      if let base = values.baseAddress { try load(into: base) }
      filled = count
    }
  }

  /// The values in canonical order, as `floats()` gives them, in memory that may not be there.
  /// - Throws: `Problem` of kind `io` where the system has not enough memory.
  /// - Precondition: `isComputable`.
  /// - Cost: 4 bytes per element of new memory.
  public func floatBytes() throws -> OwnedBytes {
    let bytes = try OwnedBytes(reserving: count * 4)
    try bytes.mutableBytes.withMemoryRebound(to: Float.self) { values in
      if let base = values.baseAddress { try load(into: base) }
    }
    return bytes
  }

  private func load(into values: UnsafeMutablePointer<Float>) throws {
    let pairing = PairedView(source: view, target: StridedView(contiguous: shape))
    try region.withBytes { bytes in
      try pairing.forEachRun { source, target, run in
        StoredValues.load(bytes, source..<(source + run), type, into: values + target)
        try restore(values + target, source..<(source + run))
      }
    }
  }

  /// Turns a run of loaded elements into canonical values: applies scales, undoes value steps.
  /// - Throws: `Problem` of kind `io` where the scales cannot be read.
  public func restore(_ values: UnsafeMutablePointer<Float>, _ run: Range<Int>) throws {
    if let scales {
      try scales.forEachBlock(in: run) { block, scale in
        for index in block { values[index - run.lowerBound] *= scale }
      }
    }
    for step in steps.reversed() {
      for index in 0..<run.count { values[index] = step.undo(values[index]) }
    }
  }
}
