import Diagnostics

/// A stored name with places for indices, such as `model.layers.{layer}.mlp.experts.{expert}.up`.
///
/// `{layer+1}` and the like add a constant to the index; `{layers}` is the number of layers.
public struct NameTemplate: Hashable, Sendable {
  /// The template as written.
  public let text: String
  private let pieces: [Piece]

  private enum Piece: Hashable {
    case literal(String)
    case index(String, plus: Int)
  }

  /// Parses a template.
  /// - Throws: `Problem` of kind `invalid` for an unclosed or unknown place.
  public init(_ text: String) throws {
    self.text = text
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}") else {
        throw Problem(.invalid, "a name template has an unclosed brace", found: text)
      }
      pieces.append(try Self.place(rest[rest.index(after: open)..<close], in: text))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.literal(String(rest))) }
    self.pieces = pieces
  }

  private static func place(_ inside: Substring, in text: String) throws -> Piece {
    let parts = inside.split(separator: "+", omittingEmptySubsequences: false)
    let plus = parts.count == 2 ? Int(parts[1]) : 0
    guard let name = parts.first, places.contains(String(name)), parts.count <= 2, let plus else {
      throw Problem(
        .invalid, "a name template has an unknown place",
        expected: "{layer}, {expert}, {layers}, {layer+1}", found: text)
    }
    return .index(String(name), plus: plus)
  }

  private static let places: Set<String> = ["layer", "expert", "layers"]

  /// Whether the name depends on the layer.
  public var usesLayer: Bool { uses("layer") }

  /// Whether the name depends on the expert.
  public var usesExpert: Bool { uses("expert") }

  private func uses(_ name: String) -> Bool {
    pieces.contains { if case .index(name, _) = $0 { true } else { false } }
  }

  /// The stored name for one layer and expert.
  /// - Parameter layers: the number of layers of the model.
  public func name(layer: Int = 0, expert: Int = 0, layers: Int = 0) -> String {
    let indices = ["layer": layer, "expert": expert, "layers": layers]
    return pieces.map { piece in
      switch piece {
      case .literal(let text): text
      case .index(let name, let plus): String((indices[name] ?? 0) + plus)
      }
    }.joined()
  }
}
