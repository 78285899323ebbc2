/// An expression that cuts text into words, of the constructs that tokenizers use.
///
/// Letters, classes, `\p{…}`, `\s` and the like, alternatives, `(?:…)`, `(?i:…)`, `(?!…)` and quantifiers of
/// single letters and classes. What repeats a group or looks back is not taken: a file from elsewhere could
/// keep the matcher busy for ever.
struct WordExpression {
  private let regex: Regex<AnyRegexOutput>

  /// - Returns: nil for other constructs.
  init?(_ pattern: String) {
    var reader = Reader(rest: Substring(pattern))
    guard reader.isTaken(), let regex = try? Regex(pattern) else { return nil }
    self.regex = regex.matchingSemantics(.unicodeScalar)
  }

  /// The stretches of a text that match, and those between them.
  func words(of text: Substring) -> [Substring] {
    var words: [Substring] = []
    var done = text.startIndex
    for range in text.ranges(of: regex) where !range.isEmpty {
      if done < range.lowerBound { words.append(text[done..<range.lowerBound]) }
      words.append(text[range])
      done = range.upperBound
    }
    if done < text.endIndex { words.append(text[done...]) }
    return words
  }

  /// Walks over a pattern and stops where it is not plain.
  private struct Reader {
    var rest: Substring

    /// Whether the whole pattern consists of known constructs.
    mutating func isTaken() -> Bool {
      var depth = 0
      while let letter = rest.popFirst() {
        switch letter {
        case "(":
          guard ["?:", "?i:", "?!"].contains(where: { take($0) }) else { return false }
          depth += 1
        case ")":
          depth -= 1
          guard depth >= 0, !isRepeated else { return false }
        case "[": guard takeClass() else { return false }
        case "\\": guard takeEscape() else { return false }
        case "{": guard takeCount() else { return false }
        case "]", "}", "^", "$": return false
        default: break
        }
      }
      return depth == 0
    }

    private var isRepeated: Bool { rest.first.map { "*+{".contains($0) } ?? false }

    private mutating func take(_ text: String) -> Bool {
      guard rest.hasPrefix(text) else { return false }
      rest = rest.dropFirst(text.count)
      return true
    }

    private mutating func takeClass() -> Bool {
      _ = take("^")
      var last: Character?
      while let letter = rest.popFirst() {
        switch letter {
        case "]": return last != nil
        case "[", "^": return false
        case "&", "~": guard rest.first != letter else { return false }
        case "-": guard last != "-" else { return false }
        case "\\": guard takeEscape() else { return false }
        default: break
        }
        last = letter
      }
      return false
    }

    /// A class of letters, a control letter, or a sign that stands for itself.
    private mutating func takeEscape() -> Bool {
      guard let letter = rest.popFirst() else { return false }
      guard letter == "p" || letter == "P" else {
        return "sSdDwWrntfv".contains(letter)
          || (letter.isASCII && !letter.isLetter && !letter.isNumber)
      }
      guard take("{") else { return false }
      while let letter = rest.popFirst() {
        if letter == "}" { return true }
        guard letter.isASCII, letter.isLetter || letter == "_" || letter == "=" else {
          return false
        }
      }
      return false
    }

    private mutating func takeCount() -> Bool {
      let count = rest.prefix { $0 != "}" }
      rest = rest.dropFirst(count.count + 1)
      let bounds = count.split(separator: ",", omittingEmptySubsequences: false)
      return (1...2).contains(bounds.count)
        && bounds.allSatisfy { $0.count <= 3 && $0.allSatisfy(\.isWholeNumber) } && bounds[0] != ""
    }
  }
}
