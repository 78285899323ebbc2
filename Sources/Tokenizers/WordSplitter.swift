import Diagnostics
import JSON

/// Cuts text into the words that are encoded one by one (`pre_tokenizer`).
struct WordSplitter {
  private enum Step {
    /// What matches is a word, and so is what lies between.
    case isolate(WordExpression)
    /// A space comes before a stretch that does not begin with one.
    case addSpace
  }

  private var steps: [Step] = []
  /// Whether bytes become letters at the end; without this it is no byte-level BPE.
  private var isByteLevel = false

  /// The words of GPT-2, which `ByteLevel` knows by itself.
  private static let plainWords =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// - Throws: `Problem` of kind `unsupported` for steps that are not known.
  init(_ value: JSONValue) throws {
    try add(value)
    guard isByteLevel else { throw TokenizerObstacle.problem("pre_tokenizer", value) }
  }

  /// Cuts words by an expression of Graft's own.
  init(known expression: String) throws {
    steps = [.isolate(try WordExpression(known: expression))]
    isByteLevel = true
  }

  private mutating func add(_ value: JSONValue) throws {
    guard steps.count < Self.mostSteps else {
      throw TokenizerObstacle.excess(
        "pre_tokenizer", expected: "at most \(Self.mostSteps) steps", found: "more")
    }
    switch value["type"] {
    case "Sequence": for step in value["pretokenizers"]?.array ?? [] { try add(step) }
    case "ByteLevel":
      if value["add_prefix_space"]?.bool ?? true { steps.append(.addSpace) }
      if value["use_regex"]?.bool ?? true { try isolate(Self.plainWords, value) }
      isByteLevel = true
    case "Digits": try isolate(value["individual_digits"] == true ? #"\p{N}"# : #"\p{N}+"#, value)
    case "Split" where value["behavior"] == "Isolated" && value["invert"] != true:
      guard let pattern = value["pattern"]?["Regex"]?.string else { fallthrough }
      try isolate(pattern, value)
    default: throw TokenizerObstacle.problem("pre_tokenizer", value)
    }
  }

  /// The most steps; original tokenizers have up to four.
  private static let mostSteps = 64

  private mutating func isolate(_ pattern: String, _ value: JSONValue) throws {
    guard pattern.utf8.count <= WordExpression.longest else {
      throw TokenizerObstacle.excess(
        "a regular expression of pre_tokenizer",
        expected: "a pattern of at most \(WordExpression.longest) bytes",
        found: "\(pattern.utf8.count) bytes")
    }
    guard let expression = WordExpression(pattern) else {
      throw TokenizerObstacle.problem("pre_tokenizer", value["pattern"] ?? value)
    }
    steps.append(.isolate(expression))
  }

  /// The words of a text, in order.
  func words(of text: String) -> [Substring] {
    steps.reduce([Substring(text)]) { words, step in
      switch step {
      case .addSpace: words.map { $0.unicodeScalars.first == " " ? $0 : " " + $0 }
      case .isolate(let expression): words.flatMap(expression.words)
      }
    }
  }
}
