/// The letters by which byte-level BPE writes bytes: those that print stand for themselves, the others
/// are the letters from U+0100 on, in order.
///
/// Source: `bytes_to_unicode` of GPT-2.
enum ByteLetters {
  /// The letter of each byte.
  static let letters: [Unicode.Scalar] = {
    var others = (0x100...).lazy.compactMap(Unicode.Scalar.init).makeIterator()
    return (UInt8.min...UInt8.max).map { byte in
      prints(byte) ? Unicode.Scalar(byte) : others.next() ?? "?"
    }
  }()

  private static let bytes = Dictionary(
    uniqueKeysWithValues: zip(letters, UInt8.min...UInt8.max))

  private static func prints(_ byte: UInt8) -> Bool {
    (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || byte >= 0xae
  }

  /// The bytes that a text spells; nil where a letter stands for none.
  static func bytes(of text: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for letter in text.unicodeScalars {
      guard let byte = bytes[letter] else { return nil }
      result.append(byte)
    }
    return result
  }
}
