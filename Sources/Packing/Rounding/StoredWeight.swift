import Tensors

/// A tensor of one type, blocks or not, as a weight: what is packed by its type alone.
struct StoredWeight: PackedWeight {
  let shape: [Int]
  let parts: [PackedPart]

  /// The weight of a stored tensor.
  /// - Precondition: the type is one that `StoredValues` loads.
  init(_ part: PackedPart) { (shape, parts) = (part.shape, [part]) }

  var scheme: PackingScheme {
    StoredValues.scheme(of: parts[0].type)
      ?? PackingScheme(
        method: parts[0].type.rawValue, bits: parts[0].type.bitWidth, group: nil)
  }

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try withUnits(of: run) { StoredValues.load($0, $1, type, into: values) }
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try withUnits(of: run) { StoredValues.loadSpacing($0, $1, type, into: values) }
  }

  private var type: ScalarType { parts[0].type }

  /// Calls `body` with the whole blocks that hold a run, and the run as counted from the first of them.
  private func withUnits(
    of run: Range<Int>, _ body: (UnsafeRawBufferPointer, Range<Int>) -> Void
  ) throws {
    let unit = type.unit
    let (first, last) = (
      run.lowerBound / unit.elements, (run.upperBound + unit.elements - 1) / unit.elements
    )
    try parts[0].region.withBytes(in: first * unit.bytes..<last * unit.bytes) { bytes in
      let start = run.lowerBound - first * unit.elements
      body(bytes, start..<start + run.count)
    }
  }
}

extension PackedPart {
  /// The part as a weight by itself, of floats or of blocks.
  /// - Precondition: the type is one that `StoredValues` loads.
  public var weight: any PackedWeight { StoredWeight(self) }
}
