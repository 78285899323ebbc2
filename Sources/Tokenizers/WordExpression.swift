/// An expression that cuts text into words, of the constructs that tokenizers use.
///
/// Letters, classes, `\p{…}`, `\s` and the like, alternatives, `(?:…)`, `(?i:…)`, `(?!…)` and quantifiers
/// of single letters and classes. Repeated groups and lookbehind are refused, and so are long patterns and
/// many repetitions in a row: with them a file from elsewhere could keep the matcher busy for ever, or make
/// it take gigabytes.
struct WordExpression {
  /// The longest pattern; those of tokenizers have a few hundred bytes.
  /// - Units: bytes.
  static let longest = 4096

  private let regex: Regex<AnyRegexOutput>

  /// - Returns: nil for other constructs.
  init?(_ pattern: String) {
    var reader = Reader(rest: Substring(pattern))
    guard pattern.utf8.count <= Self.longest, reader.isTaken(), let regex = try? Regex(pattern)
    else { return nil }
    self.regex = regex.matchingSemantics(.unicodeScalar)
  }

  /// Takes an expression of Graft's own, of whatever constructs.
  init(known pattern: String) throws {
    regex = try Regex(pattern).matchingSemantics(.unicodeScalar)
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
    /// The alternatives that are open, the whole pattern and groups in each other.
    private var open = [Repetitions()]

    init(rest: Substring) { self.rest = rest }

    /// The most repetitions after each other, each of which can multiply the time by the length of a word.
    private static let mostRepetitions = 3
    /// The most groups in each other.
    private static let mostGroups = 16

    /// How many repetitions follow each other in the alternative that is read, and in any before it.
    private struct Repetitions {
      var here = 0
      var before = 0
      var most: Int { max(here, before) }
    }

    /// Whether the whole pattern consists of known constructs.
    mutating func isTaken() -> Bool {
      while let letter = rest.popFirst() {
        switch letter {
        case "(":
          guard ["?:", "?i:", "?!"].contains(where: { take($0) }), open.count <= Self.mostGroups
          else { return false }
          open.append(Repetitions())
        case ")":
          guard open.count > 1, let group = open.popLast(), !isRepeated else { return false }
          open[open.count - 1].here += group.most
        case "|": open[open.count - 1] = Repetitions(before: open[open.count - 1].most)
        case "*", "+": countRepetition()
        case "?": takeManner()
        case "[": guard takeClass() else { return false }
        case "\\": guard takeEscape() else { return false }
        case "{": guard takeCount() else { return false }
        case "]", "}", "^", "$": return false
        default: break
        }
      }
      return open.count == 1 && open[0].most <= Self.mostRepetitions
    }

    private mutating func countRepetition() {
      open[open.count - 1].here += 1
      takeManner()
    }

    /// The sign that makes a repetition possessive or lazy.
    private mutating func takeManner() { _ = take("+") || take("?") }

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
      if bounds.count == 2 { countRepetition() } else { takeManner() }
      return (1...2).contains(bounds.count)
        && bounds.allSatisfy { $0.count <= 3 && $0.allSatisfy(\.isWholeNumber) } && bounds[0] != ""
    }
  }
}
