import Canonical
import Containers
import Tensors

extension TensorMove {
  /// Streams a tensor of a block type: whole blocks are moved, anything else is quantised anew.
  /// - Returns: how many values changed.
  func writeBlocks(to sink: inout ByteSink) throws -> Int {
    let unit = type.unit
    let moved = pieces.compactMap { piece in
      isVerbatim(piece) ? piece.pairing.inBlocks(of: unit.elements) : nil
    }
    guard moved.count == pieces.count else { return try quantise(to: &sink) }
    let count = target.shape.reduce(1, *) / unit.elements
    let window = ByteSink.capacity / unit.bytes
    var cursors = moved.map { RunCursor($0) }
    for start in stride(from: 0, to: count, by: window) {
      let range = start..<min(start + window, count)
      try sink.append(range.count * unit.bytes) { buffer in
        for (index, piece) in pieces.enumerated() {
          copy(piece, range, unit.bytes, &cursors[index], to: buffer)
        }
      }
    }
    return 0
  }

  private func copy(
    _ piece: Piece, _ range: Range<Int>, _ width: Int, _ cursor: inout RunCursor,
    to buffer: UnsafeMutableRawBufferPointer
  ) {
    piece.source.region.withBytes { bytes in
      cursor.forEachRun(in: range) { source, target, count in
        let run = bytes[source * width..<(source + count) * width]
        UnsafeMutableRawBufferPointer(rebasing: buffer[((target - range.lowerBound) * width)...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: run))
      }
    }
  }

  /// Computes windows of F32 values and rounds them into blocks.
  private func quantise(to sink: inout ByteSink) throws -> Int {
    let unit = type.unit
    let count = target.shape.reduce(1, *)
    let window = ByteSink.capacity / unit.bytes * unit.elements
    let values = OwnedBytes(count: min(window, count) * 4)
    var cursors = pieces.map { RunCursor($0.pairing) }
    var changed = 0
    for start in stride(from: 0, to: count, by: window) {
      let range = start..<min(start + window, count)
      for (index, piece) in pieces.enumerated() {
        fillFloats(values.mutableBytes, range, piece, &cursors[index])
      }
      let blocks = range.count / unit.elements
      try sink.append(blocks * unit.bytes) { place in
        values.bytes.withMemoryRebound(to: Float.self) { floats in
          guard let first = floats.baseAddress else { return }
          changed += BlockQuantisation.q8Zero(first, blocks: blocks, to: place)
        }
      }
    }
    return changed
  }

  private func fillFloats(
    _ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>, _ piece: Piece,
    _ cursor: inout RunCursor
  ) {
    let conversion = ValueConversion(piece.source, applying: piece.steps, to: .f32)
    piece.source.region.withBytes { bytes in
      cursor.forEachRun(in: range) { source, target, count in
        let place = buffer[((target - range.lowerBound) * 4)...]
        _ = conversion.convert(
          bytes, from: source, to: UnsafeMutableRawBufferPointer(rebasing: place), count: count)
      }
    }
  }
}
