import Tensors

/// Parts whose lines are inputs, or groups of them, and not outputs.
struct ColumnWriter: Sendable {
  let rows: RecodedRows

  private var outputs: Int { rows.rowCount }

  /// The place of each output of a word.
  private static let lanes = [0, 4, 1, 5, 2, 6, 3, 7]

  private static func pack(
    _ outputs: Int, into place: UnsafeMutableRawPointer, _ code: (Int) -> UInt8
  ) {
    for word in 0..<outputs / 8 {
      var bits: UInt32 = 0
      for lane in 0..<8 { bits |= UInt32(code(word * 8 + lane)) << UInt32(4 * lanes[lane]) }
      place.storeBytes(of: bits.littleEndian, toByteOffset: word * 4, as: UInt32.self)
    }
  }

  func awqCodes(_ name: String) -> PackedPart {
    let (rows, outputs) = (rows, outputs)
    let region = LineBytes.region(lines: rows.inputs, length: outputs / 2) { lines, place in
      try rows.withCodes(0..<outputs, lines) { codes in
        for line in 0..<lines.count {
          Self.pack(outputs, into: place + line * outputs / 2) { codes[$0 * lines.count + line] }
        }
      }
    }
    return PackedPart(name: name, type: .i32, shape: [rows.inputs, outputs / 8], region: region)
  }

  func awqZeros(_ name: String) -> PackedPart {
    let (rows, outputs, groups) = (rows, outputs, rows.groups)
    let region = LineBytes.region(lines: groups, length: outputs / 2) { lines, place in
      try rows.withTerms(0..<outputs) { _, offsets in
        for line in lines {
          Self.pack(outputs, into: place + (line - lines.lowerBound) * outputs / 2) {
            UInt8(offsets[$0 * groups + line])
          }
        }
      }
    }
    return PackedPart(name: name, type: .i32, shape: [groups, outputs / 8], region: region)
  }

  /// Scales of all outputs for each group.
  func scales(_ name: String) -> PackedPart {
    let (rows, outputs, groups, type) = (rows, outputs, rows.groups, rows.form.scaleType ?? .f16)
    let width = type.byteWidth ?? 2
    let region = LineBytes.region(lines: groups, length: outputs * width) { lines, place in
      try rows.withTerms(0..<outputs) { scales, _ in
        for line in lines {
          let start = place + (line - lines.lowerBound) * outputs * width
          var own = (0..<outputs).map { scales[$0 * groups + line] }
          own.withUnsafeMutableBufferPointer { $0.baseAddress?.store(outputs, type, to: start) }
        }
      }
    }
    return PackedPart(name: name, type: type, shape: [groups, outputs], region: region)
  }

  func gptqCodes(_ name: String) -> PackedPart {
    let (rows, outputs, width) = (rows, outputs, rows.form.bits)
    let words = rows.inputs * width / 32
    let region = LineBytes.region(lines: words, length: outputs * 4) { lines, place in
      let needed = StandingStreams.codes(in: lines, of: rows.inputs, width: width)
      try rows.withCodes(0..<outputs, needed) { codes in
        StandingStreams.pack(
          lines, of: rows.inputs, streams: outputs, width: width, into: place
        ) { column, output in codes[output * needed.count + column - needed.lowerBound] }
      }
    }
    return PackedPart(name: name, type: .i32, shape: [words, outputs], region: region)
  }

  /// Zero points of all outputs for each group; the first version took one from whole words, or, of three
  /// bits, from each.
  func gptqZeros(_ name: String, isFirstVersion: Bool) -> PackedPart {
    let (rows, outputs, groups, width) = (rows, outputs, rows.groups, rows.form.bits)
    let words = outputs * width / 32
    let isWhole = 32 % width == 0
    let ones = isFirstVersion && isWhole ? UInt32.max / (1 << UInt32(width) - 1) : 0
    let less: UInt8 = isFirstVersion && !isWhole ? 1 : 0
    let mask = UInt8(1 << width - 1)
    let region = LineBytes.region(lines: groups, length: words * 4) { lines, place in
      try rows.withTerms(0..<outputs) { _, offsets in
        for line in lines {
          let zeros = (0..<outputs).map { (UInt8(offsets[$0 * groups + line]) &- less) & mask }
          let start = place + (line - lines.lowerBound) * words * 4
          BitStream.pack(zeros, outputs, width: width, into: .init(start: start, count: words * 4))
          let target = start.bindMemory(to: UInt32.self, capacity: words)
          for word in 0..<words { target[word] &-= ones }
        }
      }
    }
    return PackedPart(name: name, type: .i32, shape: [groups, words], region: region)
  }
}
