import Diagnostics

/// A key of `rank_pattern` or `alpha_pattern`: a regular expression for the end of a module's name.
struct ModuleEnding {
  private enum Element: Equatable {
    case letter(UInt8)
    case anyOne
    case digit
    case start
  }

  private struct Piece {
    let element: Element
    let least: Int
    let isEndless: Bool
  }

  private let alternatives: [[Piece]]
  private static let longest = 512

  /// Reads a key: names, with `.`, `\d`, `*`, `+`, `^`, `$` and alternatives.
  /// - Throws: `Problem` of kind `unsupported` for other signs of a regular expression.
  init(_ text: String) throws {
    guard text.utf8.count <= Self.longest else { throw Self.strange(text) }
    alternatives = try text.split(separator: "|", omittingEmptySubsequences: false).map {
      try Self.pieces(Array($0.utf8), text)
    }
  }

  private static func strange(_ text: String) -> Problem {
    Problem(
      .unsupported, "a pattern of an adapter is not understood",
      expected: "names of modules, with . \\d [0-9] * + ^ $ |", found: String(text.prefix(80)),
      remedy: "write out the modules, or merge the adapter with PEFT")
  }

  private static func pieces(_ bytes: [UInt8], _ text: String) throws -> [Piece] {
    var pieces: [Piece] = []
    var rest = bytes[...]
    if rest.first == UInt8(ascii: "^") {
      pieces.append(Piece(element: .start, least: 1, isEndless: false))
      rest = rest.dropFirst()
    }
    if rest.last == UInt8(ascii: "$") { rest = rest.dropLast() }
    while let element = try element(&rest, text) {
      let repeated: (Int, Bool)? =
        switch rest.first {
        case UInt8(ascii: "*"): (0, true)
        case UInt8(ascii: "+"): (1, true)
        default: nil
        }
      if repeated != nil { rest = rest.dropFirst() }
      let (least, isEndless) = repeated ?? (1, false)
      pieces.append(Piece(element: element, least: least, isEndless: isEndless))
    }
    return pieces
  }

  private static func element(_ rest: inout ArraySlice<UInt8>, _ text: String) throws -> Element? {
    for (sign, element) in [("\\d", Element.digit), ("[0-9]", .digit), ("\\.", .letter(0x2e))]
    where rest.starts(with: sign.utf8) {
      rest = rest.dropFirst(sign.utf8.count)
      return element
    }
    guard let byte = rest.popFirst() else { return nil }
    if byte == UInt8(ascii: ".") { return .anyOne }
    guard !"\\[](){}?+^$*".utf8.contains(byte) else { throw strange(text) }
    return .letter(byte)
  }

  /// Whether a module's name is the pattern, or ends with it behind a dot.
  /// - Cost: the product of both lengths.
  func matches(_ module: String) -> Bool {
    let name = Array(module.utf8)
    let starts = Set([0] + name.indices.filter { name[$0] == 0x2e }.map { $0 + 1 })
    return alternatives.contains { pieces in
      let first = pieces.first?.element == .start ? [0] : starts
      return pieces.drop { $0.element == .start }
        .reduce(first) { Self.ends($1, in: name, after: $0) }.contains(name.count)
    }
  }

  private static func ends(_ piece: Piece, in name: [UInt8], after starts: Set<Int>) -> Set<Int> {
    var reached = piece.least == 0 ? starts : []
    var current = starts
    repeat {
      current = Set(
        current.filter { $0 < name.count && fits(piece.element, name[$0]) }.map { $0 + 1 })
      current.subtract(reached)
      reached.formUnion(current)
    } while piece.isEndless && !current.isEmpty
    return reached
  }

  private static func fits(_ element: Element, _ byte: UInt8) -> Bool {
    switch element {
    case .letter(let letter): letter == byte
    case .anyOne: true
    case .digit: (0x30...0x39).contains(byte)
    case .start: false
    }
  }
}
