import Containers
import Diagnostics
import Opening
import Packing
import Tensors

/// One of the stored tensors of a weight that is packed as it is written.
///
/// Each is written by itself, from the values of the weight, so that tensors of any size are packed in little
/// memory and on several threads.
struct EncodedMove: Sendable {
  /// The weight as it would be written without being packed.
  let move: TensorMove
  let encoder: any WeightEncoder
  /// Which part of the weight it is.
  let part: Int

  /// Whether it is the part that rounding is seen in.
  var holdsCodes: Bool { part == 0 }

  /// The most values that are rounded at a time; they stay in a near cache.
  private static let window = 1 << 16

  /// Streams the stored bytes.
  /// - Parameter onSource: called with the bytes of the source where `move.readsInOrder`.
  /// - Returns: how far the values are from what is stored; nothing for a part other than the codes.
  /// - Throws: `Problem` of kind `invalid` for values that cannot be rounded, `io`.
  /// - Cost: reads the weight, twice where units share a scale; memory for one window.
  func write(to sink: inout ByteSink, onSource: ((UnsafeRawBufferPointer) -> Void)?) throws
    -> RoundingError
  {
    let encoder = try encoder.measured { body in
      let values = WeightValues(move, most: Self.window)
      for start in stride(from: 0, to: count, by: Self.window) {
        let run = start..<min(start + Self.window, count)
        try values.load(run) { try body(run, $0) }
      }
    }
    if let bytes = encoder.bytes(of: part) {
      try sink.write(bytes)
      return RoundingError()
    }
    let values = WeightValues(move, most: Self.window, onBytes: onSource)
    let unit = encoder.parts[part].unit
    var (error, done) = (RoundingError(), 0)
    while done < count {
      let room = try sink.room(for: unit.bytes) / unit.bytes
      let run = done..<min(done + min(room, Self.window / unit.values) * unit.values, count)
      try sink.append(run.count / unit.values * unit.bytes) { place in
        guard let place = place.baseAddress else { return }
        try values.load(run) { error += encoder.encode(run, $0, part: part, to: place) }
      }
      done = run.upperBound
    }
    guard error.error.isFinite else { throw Self.refusal(move, "values too large for a scale") }
    return error
  }

  private var count: Int { move.target.shape.reduce(1, *) }

  fileprivate static func refusal(_ move: TensorMove, _ found: String) -> Problem {
    Problem(
      .invalid, "a weight cannot be quantised", tensor: move.target.name,
      expected: "finite values", found: found,
      remedy: "look at the weight with graft inspect --audit; --dtype-for keeps it as it is")
  }
}

/// The values of a weight as it would be written, in F32.
private struct WeightValues {
  private let move: TensorMove
  private let streams: [PartStream]
  private let stored: OwnedBytes
  private let floats: OwnedBytes

  init(_ move: TensorMove, most: Int, onBytes: ((UnsafeRawBufferPointer) -> Void)? = nil) {
    self.move = move
    streams = move.parts.map { part in
      PartStream(
        part, to: move.type, isVerbatim: move.isVerbatim(part), onBytes: onBytes)
    }
    stored = OwnedBytes(count: most * move.type.unit.bytes)
    floats = OwnedBytes(count: most * 4)
  }

  /// Calls `body` with a run of them.
  /// - Throws: `Problem` of kind `invalid` for one that is not finite.
  func load(_ run: Range<Int>, _ body: (UnsafePointer<Float>) throws -> Void) throws {
    guard let place = stored.mutableBytes.baseAddress else { return }
    defer { PartStream.relieve(streams) }
    for stream in streams { _ = try stream.fill(place, run) }
    try floats.mutableBytes.withMemoryRebound(to: Float.self) { values in
      guard let start = values.baseAddress else { return }
      FloatBits.load(
        UnsafeRawBufferPointer(stored.mutableBytes), 0..<run.count, move.type, into: start)
      if let index = FloatBits.firstNotFinite(start, run.count) {
        throw EncodedMove.refusal(move, "\(start[index]) at element \(run.lowerBound + index)")
      }
      try body(start)
    }
  }
}
