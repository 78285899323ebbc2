import Diagnostics
import JSON

/// A stored name with places for indices, such as `model.layers.{layer}.mlp.experts.{expert}.up`.
///
/// `{layer+1}` and the like add a constant to the index, `{2*layer}` and `{2*layer+1}` count two of them for
/// each layer; `{layers}` is the number of layers, `{piece}` counts the stored tensors that make up one.
public struct NameTemplate: Hashable, Sendable {
  /// The template as written.
  public let text: String
  private let elements: [Element]

  private enum Element: Hashable {
    case literal(String)
    case index(Index, times: Int, plus: Int)
  }

  private enum Index: String {
    case layer, expert, layers, piece
  }

  /// Parses a template.
  /// - Throws: `Problem` of kind `invalid` for an unclosed or unknown place.
  public init(_ text: String) throws {
    self.text = text
    var elements: [Element] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      if open > rest.startIndex { elements.append(.literal(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}") else {
        throw Problem(.invalid, "a name template has an unclosed brace", found: text)
      }
      elements.append(try Self.index(rest[rest.index(after: open)..<close], in: text))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { elements.append(.literal(String(rest))) }
    self.elements = elements
  }

  /// Reads a template from a layout file.
  init(file value: JSONValue) throws { try self.init(FormatValue.string(value)) }

  private static func index(_ inside: Substring, in text: String) throws -> Element {
    let parts = inside.split(separator: "+", omittingEmptySubsequences: false)
    let plus = parts.count == 2 ? Int(parts[1]) : 0
    let factors = parts.first?.split(separator: "*", omittingEmptySubsequences: false) ?? []
    let times = factors.count == 2 ? Int(factors[0]) : 1
    let range = 0...FormatLimits.forms.rawValue
    guard let name = factors.last, let index = Index(rawValue: String(name)), parts.count <= 2,
      factors.count <= 2, let plus, let times, range.contains(plus), range.contains(times),
      times > 0
    else {
      throw Problem(
        .invalid, "a name template has an unknown place",
        expected: "{layer}, {expert}, {layers}, {piece}, {layer+1}, {2*layer+1}", found: text)
    }
    return .index(index, times: times, plus: plus)
  }

  /// Whether the name depends on the layer.
  public var usesLayer: Bool { uses(.layer) }

  /// Whether the name depends on the expert.
  public var usesExpert: Bool { uses(.expert) }

  /// Whether the name depends on the piece.
  var usesPiece: Bool { uses(.piece) }

  private func uses(_ index: Index) -> Bool {
    elements.contains { if case .index(index, _, _) = $0 { true } else { false } }
  }

  /// The stored name for one layer, expert and piece.
  /// - Parameter layers: the number of layers of the model.
  public func name(layer: Int = 0, expert: Int = 0, layers: Int = 0, piece: Int = 0) -> String {
    // Room for all at once: a model has hundreds of thousands of names, which would grow piece by piece.
    var name = ""
    name.reserveCapacity(text.utf8.count + 16)
    for element in elements {
      switch element {
      case .literal(let text): name += text
      case .index(let index, let times, let plus):
        let number =
          switch index {
          case .layer: layer
          case .expert: expert
          case .layers: layers
          case .piece: piece
          }
        name += String(times * number + plus)
      }
    }
    return name
  }
}
