import Canonical
import Containers
import Diagnostics
import Opening
import Packing
import Tensors

extension TensorMove {
  /// Streams the stored bytes of the tensor, window by window.
  /// - Parameter onSource: called with the bytes of the source where `readsInOrder`.
  /// - Returns: what rounding made of the values.
  /// - Throws: `Problem` of kind `io`, or `unsupported` for values that blocks cannot hold.
  /// - Cost: reads and writes each byte once; memory for one window, whatever the tensor is.
  func write(
    to sink: inout ByteSink, onSource: ((UnsafeRawBufferPointer) -> Void)? = nil
  ) throws -> Rounding {
    if let source = wholeSource {
      try sink.write(source, onBytes: onSource)
      return Rounding()
    }
    guard type.isBlock, !parts.allSatisfy(isVerbatim) else {
      let streams = parts.map { moved in
        PartStream(moved, to: type, isVerbatim: isVerbatim(moved), onBytes: onSource)
      }
      var changed = 0
      try forEachWindow(&sink, of: type.unit) { changed += try Self.fill($1, $0, streams) }
      return Rounding(changed: changed)
    }
    return try quantise(to: &sink, onSource)
  }

  /// Whether writing reads the whole of one stored tensor, once and from front to back.
  var readsInOrder: Bool {
    if wholeSource != nil { return true }
    guard parts.count == 1, let moved = parts.first, !moved.source.isJoined else { return false }
    let count = target.shape.reduce(1, *)
    return moved.pairing.sourceOffset == 0 && moved.pairing.runLength == count
      && moved.source.region.count == TensorShape.byteCount([count], moved.source.type)
  }

  /// Computes windows of F32 values and rounds them into blocks.
  private func quantise(
    to sink: inout ByteSink, _ onSource: ((UnsafeRawBufferPointer) -> Void)?
  ) throws -> Rounding {
    let unit = importances == nil ? type.unit : try rowUnit(within: sink.capacity)
    let streams = parts.map {
      PartStream($0, to: .f32, isVerbatim: false, onBytes: onSource)
    }
    let values = OwnedBytes(count: sink.capacity / unit.bytes * unit.elements * 4)
    var rounding = Rounding()
    try forEachWindow(&sink, of: unit) { window, place in
      let elements = window.lowerBound * unit.elements..<window.upperBound * unit.elements
      _ = try Self.fill(values.mutableBytes, elements, streams)
      values.bytes.withMemoryRebound(to: Float.self) { floats in
        guard let base = floats.baseAddress, let start = place.baseAddress else { return }
        rounding.add(round(base, window, to: start))
      }
      guard rounding.isFinite else { throw Self.isTooLarge(type) }
    }
    return rounding
  }

  /// Rounds whole blocks, or, by importances, whole rows.
  private func round(
    _ values: UnsafePointer<Float>, _ window: Range<Int>, to place: UnsafeMutableRawPointer
  ) -> Rounding {
    guard let importances else {
      return StoredValues.store(values, blocks: window.count, to: place, type)
    }
    return StoredValues.store(rows: window, of: values, by: importances, to: place, type)
  }

  /// A row as a unit: some types weigh a value by all others of its row.
  private func rowUnit(within capacity: Int) throws -> (elements: Int, bytes: Int) {
    let columns = target.shape.last ?? 1
    let bytes = columns / type.unit.elements * type.unit.bytes
    guard bytes <= capacity else {
      throw Problem(
        .unsupported, "rows are too long to be rounded by importances",
        expected: "at most \(capacity) bytes of \(type.rawValue)", found: "\(bytes)",
        remedy: "keep the tensor with --dtype-for NAME=bf16")
    }
    return (columns, bytes)
  }

  private static func isTooLarge(_ type: ScalarType) -> Problem {
    Problem(
      .unsupported, "blocks cannot hold a value that is infinite, no number or too large",
      expected: "values for which \(type.rawValue) has scales",
      remedy: "keep the tensor with --dtype-for NAME=f32")
  }

  /// Appends the tensor in windows that `fill` writes.
  /// - Parameter fill: given the window, in units, and its place.
  private func forEachWindow(
    _ sink: inout ByteSink, of unit: (elements: Int, bytes: Int),
    _ fill: (Range<Int>, UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    let count = target.shape.reduce(1, *) / unit.elements
    var done = 0
    while done < count {
      let room = try sink.room(for: unit.bytes) / unit.bytes
      let window = done..<min(done + room, count)
      try sink.append(window.count * unit.bytes) { try fill(window, $0) }
      done = window.upperBound
    }
  }

  private static func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ window: Range<Int>, _ streams: [PartStream]
  ) throws -> Int {
    guard let place = buffer.baseAddress else { return 0 }
    defer { PartStream.relieve(streams) }
    return try streams.reduce(0) { try $0 + $1.fill(place, window) }
  }
}
