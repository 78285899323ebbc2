import Canonical
import Containers
import Tensors

extension TensorMove {
  /// Streams the stored bytes of the tensor, window by window.
  /// - Returns: how many values changed in a cast.
  /// - Throws: `Problem` of kind `io`.
  /// - Cost: reads and writes each byte once; memory for one window.
  func write(to sink: inout ByteSink) throws -> Int {
    if let source = wholeSource {
      try source.withBytes { try sink.write($0) }
      return 0
    }
    return try holding(pieces[...]) {
      try type.isBlock ? writeBlocks(to: &sink) : writeWindows(to: &sink)
    }
  }

  /// Keeps the bytes of all parts at hand, which a storage may put together anew otherwise.
  private func holding<Result>(_ pieces: ArraySlice<Piece>, _ body: () throws -> Result) rethrows
    -> Result
  {
    guard let first = pieces.first else { return try body() }
    return try first.source.region.withBytes { _ in try holding(pieces.dropFirst(), body) }
  }

  private func writeWindows(to sink: inout ByteSink) throws -> Int {
    let width = type.byteWidth ?? 1
    let count = target.shape.reduce(1, *)
    let window = ByteSink.capacity / width
    var cursors = pieces.map { RunCursor($0.pairing) }
    var changed = 0
    for start in stride(from: 0, to: count, by: window) {
      let range = start..<min(start + window, count)
      try sink.append(range.count * width) { buffer in
        for (index, piece) in pieces.enumerated() {
          changed += fill(buffer, range, width, piece, &cursors[index])
        }
      }
    }
    return changed
  }

  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>, _ width: Int, _ piece: Piece,
    _ cursor: inout RunCursor
  ) -> Int {
    let isVerbatim = isVerbatim(piece)
    let conversion = ValueConversion(piece.source, applying: piece.steps, to: type)
    var changed = 0
    piece.source.region.withBytes { bytes in
      cursor.forEachRun(in: range) { source, target, count in
        let place = UnsafeMutableRawBufferPointer(
          rebasing: buffer[((target - range.lowerBound) * width)...])
        if isVerbatim {
          let run = bytes[(source * width)..<((source + count) * width)]
          place.copyMemory(from: UnsafeRawBufferPointer(rebasing: run))
        } else {
          changed += conversion.convert(bytes, from: source, to: place, count: count)
        }
      }
    }
    return changed
  }
}
