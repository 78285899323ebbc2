/// Codes of equal width that lie one after the other in little-endian bits, across the ends of words.
///
/// ```
/// 3 bits   byte 0: b b a a a a a a → code 0 is bits 0-2, code 1 bits 3-5, code 2 bits 6-8, …
/// ```
struct BitStream {
  let bytes: UnsafeRawBufferPointer
  /// The width of a code.
  /// - Units: bits, from 1 to 8.
  let width: Int

  /// The code at a place.
  /// - Precondition: all its bits lie inside the bytes.
  @inline(__always)
  subscript(index: Int) -> Int {
    let bit = index * width
    let (byte, shift) = (bit >> 3, bit & 7)
    let low = Int(bytes[byte]) >> shift
    let rest = shift + width > 8 ? Int(bytes[byte + 1]) << (8 - shift) : 0
    return (low | rest) & (1 << width - 1)
  }

  /// Writes a run of codes as numbers, counted from a code that stands for zero.
  /// - Precondition: all their bits lie inside the bytes.
  func unpack(_ run: Range<Int>, minus zero: Int, into values: UnsafeMutablePointer<Float>) {
    var (index, place) = (run.lowerBound, values)
    // Eight codes fill as many bytes as a code has bits, so that one word holds them wherever they start.
    while index + 8 <= run.upperBound, (index * width) >> 3 + 8 <= bytes.count {
      let bit = index * width
      var word = bytes.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self) >> UInt64(bit & 7)
      for lane in 0..<8 {
        place[lane] = Float(Int32(truncatingIfNeeded: Int(word & mask) &- zero))
        word >>= UInt64(width)
      }
      (index, place) = (index + 8, place + 8)
    }
    for index in index..<run.upperBound {
      place.pointee = Float(self[index] - zero)
      place += 1
    }
  }

  /// Writes a run of codes as bytes.
  /// - Precondition: all their bits lie inside the bytes.
  func load(_ run: Range<Int>, into codes: UnsafeMutablePointer<UInt8>) {
    for (place, index) in run.enumerated() { codes[place] = UInt8(truncatingIfNeeded: self[index]) }
  }

  /// Writes codes one after the other, and zeros up to the end of the bytes.
  /// - Precondition: all their bits have room.
  static func pack(
    _ codes: UnsafePointer<UInt8>, _ count: Int, width: Int,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    var (word, filled, byte): (UInt64, Int, Int) = (0, 0, 0)
    for index in 0..<count {
      word |= UInt64(codes[index]) << UInt64(filled)
      filled += width
      while filled >= 8 {
        bytes[byte] = UInt8(truncatingIfNeeded: word)
        (word, filled, byte) = (word >> 8, filled - 8, byte + 1)
      }
    }
    for place in byte..<bytes.count {
      bytes[place] = place == byte ? UInt8(truncatingIfNeeded: word) : 0
    }
  }

  private var mask: UInt64 { 1 << UInt64(width) - 1 }

  /// Writes codes one after the other from the start of a byte; bits of the last byte that no code fills
  /// are zero.
  /// - Precondition: `width` is from 1 to 8, no code is wider, and `place` has room for all bits.
  static func pack(
    _ codes: UnsafePointer<UInt8>, count: Int, width: Int, to place: UnsafeMutableRawPointer
  ) {
    let start = UnsafeRawPointer(codes)
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) {
      let codes = start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      store(joined(UInt64(littleEndian: codes), width), width, to: place + index / 8 * width)
    }
    let last = (whole..<count).reduce(UInt64(0)) { word, index in
      word | UInt64(codes[index]) << UInt64((index - whole) * width)
    }
    store(last, ((count - whole) * width + 7) / 8, to: place + whole / 8 * width)
  }

  /// Eight codes of one byte each as codes of a width, one after the other: pairs are joined, then pairs of these.
  @inline(__always)
  private static func joined(_ codes: UInt64, _ width: Int) -> UInt64 {
    let width = UInt64(truncatingIfNeeded: width)
    let pairs = codes & 0x00ff_00ff_00ff_00ff | (codes &>> 8 & 0x00ff_00ff_00ff_00ff) &<< width
    let fours =
      pairs & 0x0000_ffff_0000_ffff | (pairs &>> 16 & 0x0000_ffff_0000_ffff) &<< (2 &* width)
    return fours & 0xffff_ffff | (fours &>> 32) &<< (4 &* width)
  }

  /// Writes the lowest bytes of a word.
  @inline(__always)
  private static func store(_ word: UInt64, _ count: Int, to place: UnsafeMutableRawPointer) {
    switch count {
    case 8: place.storeBytes(of: word.littleEndian, as: UInt64.self)
    case 4:
      place.storeBytes(of: UInt32(truncatingIfNeeded: word).littleEndian, as: UInt32.self)
    default:
      for byte in 0..<count {
        place.storeBytes(
          of: UInt8(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: byte &* 8)),
          toByteOffset: byte, as: UInt8.self)
      }
    }
  }
}
