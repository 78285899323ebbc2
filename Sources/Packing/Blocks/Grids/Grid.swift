/// The lattice points from which ggml's smallest types choose values, several at a time.
///
/// The tables are those of ggml (`ggml-common.h`, copyright of the ggml authors, MIT licence), written
/// anew: a point is a number in hexadecimal whose lowest bits name the level of its first value.
enum Grid {
  /// Reads the points of a table.
  /// - Parameters:
  ///   - levels: the values that occur, a power of two of them or one less.
  ///   - digits: the points one after the other, each in as many digits as its levels need.
  static func points<Point: SIMD>(levels: [Float], _ digits: StaticString) -> [Point]
  where Point.Scalar == Float {
    let width = (levels.count - 1).bitWidth - (levels.count - 1).leadingZeroBitCount
    let length = Point.scalarCount * width / 4
    return digits.withUTF8Buffer { text in
      stride(from: 0, to: text.count, by: length).map { start in
        let code = text[start..<start + length].reduce(0) { $0 << 4 | value(ofDigit: $1) }
        var point = Point.zero
        for index in point.indices {
          point[index] = levels[code >> (width * index) & (1 << width - 1)]
        }
        return point
      }
    }
  }

  private static func value(ofDigit digit: UInt8) -> Int {
    Int(digit < 0x3a ? digit - 0x30 : digit - 0x57)
  }
}

/// The signs of eight values, one for each bit of a byte, the first in its lowest bit.
enum Signs {
  private static let all: [SIMD8<Float>] = (0..<256).map { byte in
    var signs = SIMD8<Float>(repeating: 1)
    for index in 0..<8 where byte >> index & 1 == 1 { signs[index] = -1 }
    return signs
  }

  /// The signs of a byte: -1 where its bit is set.
  @inline(__always)
  static func eight(_ byte: UInt8) -> SIMD8<Float> { all[Int(byte)] }

  /// The signs of seven bits; the eighth makes the number of negative ones even.
  @inline(__always)
  static func even(_ bits: UInt32) -> SIMD8<Float> {
    let seven = UInt8(truncatingIfNeeded: bits & 0x7f)
    return eight(seven | UInt8(truncatingIfNeeded: seven.nonzeroBitCount & 1) << 7)
  }
}
