import Canonical
import Tensors

/// Reads one canonical tensor and writes its elements into windows of the stored tensor that it is part of.
package struct PartStream {
  private let reader: RegionReader
  /// Where each element comes from and goes to, counted in blocks for types that have blocks.
  private let pairing: PairedView
  /// Where its elements lie, so that a tensor of very many parts asks few of them for a window.
  private let span: Range<Int>
  /// The size of one element or block of the pairing.
  /// - Units: bytes.
  private let width: Int
  /// How values change; nil where bytes are moved.
  private let conversion: ValueConversion?

  /// - Parameter onBytes: called with everything that is read.
  /// - Precondition: the plan was checked, so that no block is torn apart.
  package init(
    _ part: MovedPart, to type: ScalarType, isVerbatim: Bool,
    onBytes: ((UnsafeRawBufferPointer) -> Void)? = nil
  ) {
    let unit = type.unit
    reader = RegionReader(part.source.region, onBytes: onBytes)
    width = unit.bytes
    pairing =
      isVerbatim ? part.pairing.inBlocks(of: unit.elements) ?? part.pairing : part.pairing
    span = pairing.targetSpan
    conversion =
      isVerbatim ? nil : ValueConversion(part.source, applying: part.steps, to: type)
  }

  /// The elements of one tensor in canonical order.
  /// - Parameter asStored: whether bytes are wanted as they are, and not canonical values as F32.
  package init(reading tensor: CanonicalTensor, asStored: Bool) {
    let part = MovedPart(tensor, to: StridedView(contiguous: tensor.shape))
    self.init(part, to: asStored ? tensor.type : .f32, isVerbatim: asStored)
  }

  /// Writes what lies in a window.
  /// - Parameter place: where the window begins.
  /// - Returns: how many values changed.
  package func fill(_ place: UnsafeMutableRawPointer, _ window: Range<Int>) throws -> Int {
    guard window.overlaps(span) else { return 0 }
    var changed = 0
    try pairing.forEachRun(in: window) { source, target, count in
      let start = place + (target - window.lowerBound) * width
      if let conversion {
        changed += try conversion.convert(reader, source..<source + count, to: start)
      } else {
        try reader.withBytes(in: source * width..<(source + count) * width) { bytes in
          if let from = bytes.baseAddress { start.copyMemory(from: from, byteCount: bytes.count) }
        }
      }
    }
    return changed
  }

  /// Releases the pages that several streams have read, once they hold more than `RegionReader.limit`
  /// together; the experts of one tensor, for instance, are many and each is small.
  package static func relieve(_ streams: [PartStream]) {
    guard streams.reduce(0, { $0 + $1.reader.touched }) > RegionReader.limit else { return }
    for stream in streams { stream.reader.release() }
  }
}
