import Crypto
import GraftTestSupport
import Testing

@testable import Digests

@Suite struct SHA256Tests {
  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Bytes in pieces of random lengths.
  private func hash(
    _ bytes: [UInt8], _ generator: inout SeededGenerator, usesInstructions: Bool
  ) -> [UInt8] {
    var hash = Digests.SHA256(usesInstructions: usesInstructions)
    bytes.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 0...200, using: &generator))
        hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        start = end
      }
    }
    return hash.finalize()
  }

  /// The examples of FIPS 180-4, and a million times the letter a.
  @Test(arguments: [
    ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func examples(text: String, times: Int, expected: String) {
    let bytes = Array(String(repeating: text, count: times).utf8)
    #expect(hex(Digests.SHA256.hash(bytes)) == expected)
  }

  @Test func everyLengthInAnyPiecesIsWhatSwiftCryptoComputes() {
    var generator = SeededGenerator(seed: 1)
    for count in Array(0...300) + [4096, 65_537] {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let expected = Array(Crypto.SHA256.hash(data: bytes))
      for usesInstructions in [true, false] {
        let found = hash(bytes, &generator, usesInstructions: usesInstructions)
        #expect(found == expected, "\(count) bytes, instructions \(usesInstructions)")
      }
    }
  }

  @Test func whatFollowsDoesNotChangeAFinishedHash() {
    var hash = Digests.SHA256()
    let first = hash.finalize()
    #expect(hash.finalize() == first)
    [UInt8]("abc".utf8).withUnsafeBytes { hash.update($0) }
    #expect(hash.finalize() == Digests.SHA256.hash(Array("abc".utf8)))
  }
}
