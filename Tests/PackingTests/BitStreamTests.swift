import Testing

@testable import Packing

struct BitStreamTests {
  @Test(arguments: 1...8)
  func codesFollowEachOtherAcrossBytes(width: Int) {
    let codes = (0..<64).map { ($0 * 37 + 11) & (1 << width - 1) }
    var bytes = [UInt8](repeating: 0, count: 8 * width)
    for (index, code) in codes.enumerated() {
      for bit in 0..<width where code >> bit & 1 == 1 {
        bytes[(index * width + bit) / 8] |= 1 << ((index * width + bit) % 8)
      }
    }
    bytes.withUnsafeBytes { bytes in
      let stream = BitStream(bytes: bytes, width: width)
      #expect(codes.indices.map { stream[$0] } == codes)
    }
  }

  @Test(arguments: 1...8)
  func packedCodesAreReadAgain(width: Int) {
    let mask = UInt8(truncatingIfNeeded: 1 << width - 1)
    let codes = (0..<69).map { (index: Int) -> UInt8 in
      UInt8(truncatingIfNeeded: index * 37 + 11) & mask
    }
    var bytes = [UInt8](repeating: 0, count: (codes.count * width + 7) / 8)
    bytes.withUnsafeMutableBytes { bytes in
      guard let place = bytes.baseAddress else { return }
      BitStream.pack(codes, count: codes.count, width: width, to: place)
    }
    bytes.withUnsafeBytes { bytes in
      let stream = BitStream(bytes: bytes, width: width)
      #expect(codes.indices.map { stream[$0] } == codes.map(Int.init))
    }
  }
}
