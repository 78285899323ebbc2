/// An entry of a list of modules: a name, the beginning or end of one, with `.*` and `\d+` for parts of
/// it.
///
/// As transformers reads it, an entry matches from the start of a name up to a dot or its end, or any
/// end of a name.
struct ModulePattern: Hashable, Sendable {
  /// The entry as written.
  let text: String
  /// The elements that a name must consist of, one after the other; nil for an entry with other signs of a
  /// regular expression.
  private let elements: [Element]?
  /// Whether the entry is a name or a part of one.
  let isPlain: Bool

  private enum Element: Hashable {
    case literal([UInt8])
    case anything
    case digits
  }

  private static let mostWildcards = 4

  init(_ text: String) {
    self.text = text
    isPlain = !text.hasSuffix(".") && !text.contains(where: Self.signs.contains)
    elements = isPlain ? [.literal(Array(text.utf8))] : Self.elements(text)
  }

  /// Signs of a regular expression.
  private static let signs: Set<Character> = Set("\\[](){}?+^$|*")

  /// What every name begins with that the elements cover; nil where there are none.
  var beginning: [UInt8]? {
    guard let first = elements?.first else { return elements == nil ? nil : [] }
    if case .literal(let text) = first { return text }
    return []
  }

  private static func elements(_ text: String) -> [Element]? {
    let wildcards: [(String, Element)] = [
      (".*", .anything), ("\\d+", .digits), ("[0-9]+", .digits), ("\\.", .literal([dot])),
    ]
    var elements: [Element] = []
    var rest = text[...]
    while let first = rest.first {
      if let (sign, element) = wildcards.first(where: { rest.hasPrefix($0.0) }) {
        elements.append(element)
        rest = rest.dropFirst(sign.count)
      } else if signs.contains(first) {
        return nil
      } else {
        let literal = rest.prefix { $0 != "." && !signs.contains($0) }
        elements.append(.literal(literal.isEmpty ? [dot] : Array(literal.utf8)))
        rest = rest.dropFirst(max(literal.count, 1))
      }
    }
    return elements.filter { $0 == .anything || $0 == .digits }.count <= mostWildcards
      ? elements : nil
  }

  /// Whether the entry covers a module; nil where Graft cannot tell.
  func matches(_ module: String) -> Bool? {
    if module.hasSuffix(text) { return true }
    if isPlain { return module.hasPrefix(text + ".") }
    return elements == nil ? nil : matchesElements(Array(module.utf8))
  }

  /// Whether the elements cover a module, whatever its end.
  func matchesElements(_ module: [UInt8]) -> Bool {
    let start: Set<Int> = [0]
    let ends = (elements ?? []).reduce(start) { Self.ends(of: $1, in: module, after: $0) }
    return elements != nil
      && ends.contains { end in
        end == module.count || module[end] == Self.dot || end > 0 && module[end - 1] == Self.dot
      }
  }

  private static let dot = UInt8(ascii: ".")

  /// Where a element may end that begins at one of some places.
  /// - Cost: the length of the name for each place.
  private static func ends(of element: Element, in name: [UInt8], after starts: Set<Int>) -> Set<
    Int
  > {
    switch element {
    case .literal(let text):
      Set(starts.filter { name[$0...].starts(with: text) }.map { $0 + text.count })
    case .anything:
      starts.min().map { Set($0...name.count) } ?? []
    case .digits:
      starts.reduce(into: []) { ends, start in
        let digits = name[start...].prefix { (0x30...0x39).contains($0) }.count
        if digits > 0 { ends.formUnion(start + 1...start + digits) }
      }
    }
  }
}
