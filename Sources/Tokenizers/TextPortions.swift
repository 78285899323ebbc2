/// The portions in which Kimi's tokenizer takes a long text, each by itself, so that no word goes over their ends.
///
/// Source: `tokenization_kimi.py` of the models.
enum TextPortions {
  /// The most letters of a portion.
  private static let most = 400_000
  /// The most letters in a row of which all are white space, or none.
  private static let mostAlike = 25_000

  /// Cuts a text.
  /// - Cost: one pass.
  static func of(_ text: String) -> [Substring] {
    let letters = text.unicodeScalars
    // No portion is longer than its bytes.
    guard text.utf8.count > mostAlike else { return [text[...]] }
    var portions: [Substring] = []
    var start = letters.startIndex
    var (count, alike, wasSpace) = (0, 0, false)
    for place in letters.indices {
      let isSpace = isSpace(letters[place])
      if count == most {
        portions.append(text[start..<place])
        (start, count, alike) = (place, 0, 0)
      }
      alike = alike == 0 || isSpace == wasSpace ? alike + 1 : 1
      if alike > mostAlike {
        portions.append(text[start..<place])
        (start, alike) = (place, 1)
      }
      (count, wasSpace) = (count + 1, isSpace)
    }
    return portions + [text[start...]]
  }

  /// White space as Python has it, which counts the separators of ASCII.
  private static func isSpace(_ letter: Unicode.Scalar) -> Bool {
    letter.properties.isWhitespace || (0x1c...0x1f).contains(letter.value)
  }
}
