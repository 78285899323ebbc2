/// An entry of a list of modules: a name, the beginning or end of one, with `.*` and `\d+` for parts of
/// it.
///
/// As transformers reads it, an entry matches from the start of a name up to a dot or its end, or any
/// end of a name.
struct ModulePattern: Hashable, Sendable {
  /// The entry as written.
  let text: String
  /// What has to follow each other; nil for an entry with other signs of a regular expression.
  private let pieces: [Piece]?

  private enum Piece: Hashable {
    case literal(String)
    case anything
    case digits
  }

  private static let mostWildcards = 4

  init(_ text: String) {
    self.text = text
    pieces = Self.pieces(text)
  }

  private static func pieces(_ text: String) -> [Piece]? {
    let signs: [(String, Piece)] = [
      (".*", .anything), ("\\d+", .digits), ("[0-9]+", .digits), ("\\.", .literal(".")),
    ]
    var pieces: [Piece] = []
    var rest = text[...]
    while let first = rest.first {
      if let (sign, piece) = signs.first(where: { rest.hasPrefix($0.0) }) {
        pieces.append(piece)
        rest = rest.dropFirst(sign.count)
      } else if "\\[](){}?+^$|*".contains(first) {
        return nil
      } else {
        let literal = rest.prefix { !".\\[](){}?+^$|*".contains($0) }
        pieces.append(.literal(literal.isEmpty ? "." : String(literal)))
        rest = rest.dropFirst(max(literal.count, 1))
      }
    }
    return pieces.filter { $0 == .anything || $0 == .digits }.count <= mostWildcards ? pieces : nil
  }

  /// Whether the entry is a name or a part of one.
  var isPlain: Bool {
    !text.hasSuffix(".") && !text.contains { "\\[](){}?+^$|*".contains($0) }
  }

  /// Whether the entry covers a module; nil where Graft cannot tell.
  func matches(_ module: String) -> Bool? {
    if module.hasSuffix(text) { return true }
    if isPlain { return module.hasPrefix(text + ".") }
    guard let pieces else { return nil }
    return Self.ends(of: pieces[...], from: module[...]).contains { rest in
      rest.isEmpty || rest.first == "." || module[..<rest.startIndex].last == "."
    }
  }

  /// What may be left of a name after the pieces.
  private static func ends(of pieces: ArraySlice<Piece>, from name: Substring) -> [Substring] {
    guard let piece = pieces.first else { return [name] }
    let rest = pieces.dropFirst()
    switch piece {
    case .literal(let text):
      return name.hasPrefix(text) ? ends(of: rest, from: name.dropFirst(text.count)) : []
    case .anything:
      return (0...name.count).flatMap { ends(of: rest, from: name.dropFirst($0)) }
    case .digits:
      let digits = name.prefix { $0.isASCII && $0.isNumber }.count
      return digits == 0 ? [] : (1...digits).flatMap { ends(of: rest, from: name.dropFirst($0)) }
    }
  }
}

/// A list of modules, made to be asked about every tensor of a large model.
public struct ModuleList: Hashable, Sendable {
  let patterns: [ModulePattern]
  private let names: Set<String>
  /// Names by their last component, to find those that end a name.
  private let endings: [Substring: [String]]
  /// Names of one component, which may end the last component of a name.
  private let words: [String]
  private let others: [ModulePattern]

  init(_ texts: [String]) {
    patterns = texts.map(ModulePattern.init)
    let plain = patterns.filter(\.isPlain).map(\.text)
    names = Set(plain)
    endings = Dictionary(grouping: plain.filter { $0.contains(".") }, by: Self.last)
    words = plain.filter { !$0.contains(".") }
    others = patterns.filter { !$0.isPlain }
  }

  private static func last(_ name: String) -> Substring {
    name.lastIndex(of: ".").map { name[name.index(after: $0)...] } ?? name[...]
  }

  /// Whether an entry covers a module; nil where Graft cannot tell.
  func covers(_ module: String) -> Bool? {
    var beginning: Substring? = module[...]
    while let name = beginning {
      if names.contains(String(name)) { return true }
      beginning = name.lastIndex(of: ".").map { name[..<$0] }
    }
    let last = Self.last(module)
    if endings[last]?.contains(where: { module.hasSuffix($0) }) == true { return true }
    if words.contains(where: { last.hasSuffix($0) }) { return true }
    let answers = others.map { $0.matches(module) }
    return answers.contains(true) ? true : answers.contains(nil) ? nil : false
  }
}
