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
  /// Whether the record of a conversion kept the bytes for the stored tensor.
  public var isRestored = false
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
  public func floats() -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { values, filled in
      guard let base = values.baseAddress else { return }
      region.withBytes { bytes in
        PairedView(source: view, target: StridedView(contiguous: shape))
          .forEachRun { source, target, run in
            FloatBits.load(bytes, source..<(source + run), type, into: base + target)
            restore(base + target, source..<(source + run))
          }
      }
      filled = count
    }
  }

  /// Turns a run of loaded elements into canonical values: applies scales, undoes value steps.
  public func restore(_ values: UnsafeMutablePointer<Float>, _ run: Range<Int>) {
    if scales != nil {
      forEachScale(in: run) { block, scale in
        for index in block { values[index - run.lowerBound] *= scale }
      }
    }
    for step in steps.reversed() {
      for index in 0..<run.count { values[index] = step.undo(values[index]) }
    }
  }

  /// Calls `body` for pieces of a run of stored elements with the scale they share, 1 without scales.
  public func forEachScale(in run: Range<Int>, _ body: (Range<Int>, Float) -> Void) {
    if let scales { scales.forEachBlock(in: run, body) } else { body(run, 1) }
  }
}
