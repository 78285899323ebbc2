import Diagnostics
import SystemPackage
import Tensors

/// A type for the tensors of an output whose stored name matches a pattern.
public struct TypeRule: Hashable, Sendable {
  /// What tensors are stored as.
  public enum Choice: Hashable, Sendable {
    /// The type of the source.
    case keep
    /// Values or blocks of a type.
    case type(ScalarType)
    /// Packed as weights of a kind are.
    case kind(QuantisationKind)
  }

  /// Which tensors.
  public let pattern: NamePattern
  /// What they are stored as.
  public let choice: Choice

  /// A rule for the names of a pattern.
  public init(_ pattern: String, _ choice: Choice) {
    (self.pattern, self.choice) = (NamePattern(pattern), choice)
  }

  /// A rule as it is written: `PATTERN=TYPE`.
  /// - Throws: `Problem` of kind `usage` where it is none.
  public init(_ text: String) throws {
    guard let equals = text.lastIndex(of: "="), equals > text.startIndex,
      let choice = Choice(String(text[text.index(after: equals)...]))
    else {
      throw Problem(
        .usage, "not a dtype for a pattern",
        expected: "PATTERN=keep, f32, bf16, f16, blocks such as q4_k, or a kind such as mlx-6bit",
        found: text, remedy: "write it as --dtype-for '*.norm.weight=f32'")
    }
    self.init(String(text[..<equals]), choice)
  }

  /// The rule as it is written.
  public var text: String { "\(pattern.text)=\(choice.text)" }

  /// The rules of a file: one in a line, in which `#` begins a comment.
  /// - Throws: `Problem` of kind `missing`, `io`, or `usage` where a line is no rule.
  public static func rules(in path: String) throws -> [TypeRule] {
    let bytes = try MappedFile.readAll(FilePath(path), limit: 1 << 20)
    let lines = String(decoding: bytes, as: UTF8.self).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    return try lines.enumerated().compactMap { number, line in
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      let rule = words.joined(separator: " ")
      return rule.isEmpty
        ? nil
        : try locating(.file(path)) {
          try locating(.place("line \(number + 1)")) { try TypeRule(rule) }
        }
    }
  }
}

extension TypeRule.Choice {
  private static let names: [String: ScalarType] = [
    "f32": .f32, "float32": .f32, "bf16": .bf16, "bfloat16": .bf16, "f16": .f16, "float16": .f16,
  ]

  fileprivate var text: String {
    switch self {
    case .keep: "keep"
    case .type(let type): type.rawValue.lowercased()
    case .kind(let kind): kind.rawValue
    }
  }

  /// The choice that a word names, in letters of any case; nil for no such word.
  init?(_ word: String) {
    let word = word.lowercased()
    let blocks = QuantisationKind.blockTypes.first { $0.rawValue.lowercased() == word }
    if word == "keep" {
      self = .keep
    } else if let type = Self.names[word] ?? blocks {
      self = .type(type)
    } else if let kind = QuantisationKind(name: word), kind.isOfOneForm {
      self = .kind(kind)
    } else {
      return nil
    }
  }
}
