import Tensors

/// Parts that packings have in common, made of rows of codes whenever their bytes are asked for.
struct PartWriter: Sendable {
  let rows: any CodedRows

  private var outer: [Int] { Array(rows.shape.dropLast()) }

  /// Codes in a bit stream for each row, which whole elements of a type hold.
  /// - Parameter flipped: a bit that is the other way round in codes of a byte.
  func codes(_ name: String, _ type: ScalarType, flipping flipped: UInt8 = 0) -> PackedPart {
    let (width, columns, rows) = (rows.form.bits, rows.inputs, rows)
    let element = type.byteWidth ?? 1
    let length = (columns * width + element * 8 - 1) / (element * 8) * element
    let region = LineBytes.region(lines: rows.rowCount, length: length) { lines, place in
      try rows.withCodes(lines, 0..<columns) { codes in
        if flipped != 0 { for index in 0..<lines.count * columns { codes[index] ^= flipped } }
        for line in 0..<lines.count {
          BitStream.pack(
            codes + line * columns, columns, width: width,
            into: .init(start: place + line * length, count: length))
        }
      }
    }
    return PackedPart(name: name, type: type, shape: outer + [length / element], region: region)
  }

  /// Scales of all groups, row by row, or of one row for all that share them.
  /// - Parameter shape: the shape to write; that of rows and groups where none is given.
  func scales(_ name: String, _ type: ScalarType, shape: [Int]? = nil) -> PackedPart {
    terms(name, type, shape) { scales, _ in scales }
  }

  /// Offsets of all groups, row by row.
  func offsets(_ name: String, _ type: ScalarType) -> PackedPart {
    terms(name, type, nil) { _, offsets in offsets }
  }

  private func terms(
    _ name: String, _ type: ScalarType, _ shape: [Int]?,
    _ choose:
      @escaping @Sendable (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) ->
      UnsafeMutablePointer<Float>
  ) -> PackedPart {
    let (rows, count, width) = (rows, rows.groups, type.byteWidth ?? 1)
    let (shared, inMatrix) = (rows.form.rows, rows.matrixRows)
    let perMatrix = (inMatrix + shared - 1) / shared
    let region = LineBytes.region(lines: rows.matrices * perMatrix, length: count * width) {
      lines, place in
      if shared == 1 {
        return try rows.withTerms(lines) { scales, offsets in
          choose(scales, offsets).store(lines.count * count, type, to: place)
        }
      }
      for (index, line) in lines.enumerated() {
        let row = line / perMatrix * inMatrix + line % perMatrix * shared
        try rows.withTerms(row..<row + 1) { scales, offsets in
          choose(scales, offsets).store(count, type, to: place + index * count * width)
        }
      }
    }
    let own = Array(rows.shape.dropLast(2)) + [perMatrix, count]
    return PackedPart(name: name, type: type, shape: shape ?? own, region: region)
  }

  /// The scales of all matrices.
  func globals(_ name: String, shape: [Int]) throws -> PackedPart {
    let numbers = try (0..<rows.matrices).map { try rows.global($0) }
    return PackedPart(
      name: name, type: .f32, shape: shape, region: ByteRegion(OwnedBytes(numbers)))
  }
}

extension UnsafeMutablePointer<Float> {
  /// Stores numbers as elements of a type: those of types that are no floats as bytes.
  func store(_ count: Int, _ type: ScalarType, to place: UnsafeMutableRawPointer) {
    if type.isFloat {
      _ = FloatBits.store(self, count: count, to: place, type)
    } else {
      for index in 0..<count {
        place.storeBytes(of: UInt8(self[index]), toByteOffset: index, as: UInt8.self)
      }
    }
  }
}

/// Bit streams that stand side by side: each word of one lies beside the words of the others.
enum StandingStreams {
  /// Writes some words of all streams.
  /// - Parameters:
  ///   - count: the codes of a stream.
  ///   - code: a code by its place in the stream and the number of the stream.
  static func pack(
    _ words: Range<Int>, of count: Int, streams: Int, width: Int,
    into place: UnsafeMutableRawPointer, _ code: (_ index: Int, _ stream: Int) -> UInt8
  ) {
    let target = place.bindMemory(to: UInt32.self, capacity: words.count * streams)
    target.update(repeating: 0, count: words.count * streams)
    for index in codes(in: words, of: count, width: width) {
      let bit = index * width - words.lowerBound * 32
      for stream in 0..<streams {
        let value = UInt64(code(index, stream))
        let shifted = bit < 0 ? value >> UInt64(-bit) : value << UInt64(bit & 31)
        let word = max(bit, 0) >> 5
        target[word * streams + stream] |= UInt32(truncatingIfNeeded: shifted)
        let rest = UInt32(truncatingIfNeeded: shifted >> 32)
        if rest != 0, word + 1 < words.count { target[(word + 1) * streams + stream] |= rest }
      }
    }
  }

  /// The codes that have bits in some words.
  static func codes(in words: Range<Int>, of count: Int, width: Int) -> Range<Int> {
    let last = min(count, (words.upperBound * 32 + width - 1) / width)
    return min(words.lowerBound * 32 / width, last)..<last
  }
}
