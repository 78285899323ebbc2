import CSHA256
import Digests
import Testing

@Suite struct SHA256Tests {
  /// Examples of the standard, and one more byte than fits beside the length.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func examplesOfTheStandard(text: String, hash: String) {
    #expect(SHA256.text(of: Array(text.utf8)) == hash)
  }

  @Test func millionLetters() {
    #expect(
      SHA256.text(of: Array(repeating: 0x61, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// The hash of the hashes of every length, as hashlib of Python computes it.
  @Test func everyLength() {
    let bytes = Self.bytes(300)
    var all: [UInt8] = []
    for count in 0...300 {
      var hash = SHA256()
      bytes.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      all += hash.digest()
    }
    #expect(
      SHA256.text(of: all) == "bb7d6d0d6592ab7edb752459c835ecac860ed253b337ce29b780d8e0bb3a76d5")
  }

  /// Pieces of any length, of one hash and of two beside each other, give what the whole gives.
  @Test(arguments: 0..<50) func pieces(seed: Int) {
    var generator = SystemRandomNumberGenerator()
    let (first, second) = (Self.bytes(900 + seed), Self.bytes(1100, from: seed))
    var (one, two, alone) = (SHA256(), SHA256(), SHA256())
    var (start, other) = (0, 0)
    while start < first.count || other < second.count {
      let end = min(start + Int.random(in: 0...200, using: &generator), first.count)
      let otherEnd = min(other + Int.random(in: 0...200, using: &generator), second.count)
      first[start..<end].withUnsafeBytes { piece in
        alone.update(piece)
        second[other..<otherEnd].withUnsafeBytes { SHA256.update(&one, piece, &two, $0) }
      }
      (start, other) = (end, otherEnd)
    }
    #expect(one.text() == SHA256.text(of: first) && alone.digest() == one.digest())
    #expect(two.text() == SHA256.text(of: second))
  }

  /// The instructions of the processor give the same as the code for every processor.
  @Test func processorAgrees() {
    guard let blocks = sha256_blocks_of_processor() else { return }
    let (bytes, others) = (Self.bytes(64 * 5), Self.bytes(64 * 5, from: 99))
    for count in 0...5 {
      var (found, expected) = (
        [0, 1].map { _ in sha256_begin() }, [0, 1].map { _ in sha256_begin() }
      )
      var alone = sha256_begin()
      Self.add(blocks, &found, bytes, others, count)
      Self.add(sha256_blocks_portable, &expected, bytes, others, count)
      withUnsafeMutableBytes(of: &alone.state) {
        blocks($0.baseAddress?.assumingMemoryBound(to: UInt32.self), bytes, nil, nil, count)
      }
      #expect(found.map(Self.state) == expected.map(Self.state))
      #expect(Self.state(alone) == Self.state(expected[0]))
    }
  }

  private static func bytes(_ count: Int, from start: Int = 0) -> [UInt8] {
    (start..<start + count).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }
  }

  private static func add(
    _ blocks: sha256_blocks, _ hashes: inout [sha256], _ bytes: [UInt8], _ others: [UInt8],
    _ count: Int
  ) {
    var (one, two) = (state(hashes[0]), state(hashes[1]))
    blocks(&one, bytes, &two, others, count)
    for (index, words) in [one, two].enumerated() {
      withUnsafeMutableBytes(of: &hashes[index].state) { place in
        words.withUnsafeBytes { place.copyMemory(from: $0) }
      }
    }
  }

  private static func state(_ hash: sha256) -> [UInt32] {
    withUnsafeBytes(of: hash.state) { Array($0.bindMemory(to: UInt32.self)) }
  }
}
