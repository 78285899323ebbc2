import Diagnostics

/// A piece of HTML or SVG; text becomes one only by being escaped.
public struct Markup: Sendable {
  /// The characters of the piece.
  public let html: String

  private init(html: String) { self.html = html }

  /// A text as it is read.
  public init(_ text: String) {
    html = Self.escaped(text)
  }

  /// An element with attributes and children.
  public init(_ name: String, _ attributes: KeyValuePairs<String, String>, _ children: [Markup]) {
    let content = children.map(\.html).joined()
    html = "<\(name)\(Self.text(attributes))>\(content)</\(name)>"
  }

  /// An element with children.
  public init(_ name: String, _ children: [Markup]) { self.init(name, [:], children) }

  /// An element with attributes that holds a text.
  public init(_ name: String, _ attributes: KeyValuePairs<String, String>, _ text: String) {
    self.init(name, attributes, [Markup(text)])
  }

  /// An element that holds a text.
  public init(_ name: String, _ text: String) { self.init(name, [:], [Markup(text)]) }

  /// Rules of style, which end with the first `</`.
  static func style(_ rules: String) -> Markup {
    precondition(!rules.contains("</"))
    return Markup(html: "<style>\(rules)</style>")
  }

  /// An element of a page's head, which has no end.
  static func meta(_ attributes: KeyValuePairs<String, String>) -> Markup {
    Markup(html: "<meta\(text(attributes))>")
  }

  private static func text(_ attributes: KeyValuePairs<String, String>) -> String {
    attributes.map { " \($0)=\"\(escaped($1))\"" }.joined()
  }

  /// Text without characters that mean something to a browser or that it refuses.
  private static func escaped(_ text: String) -> String {
    PrintableText.text(text, keepsLines: true).unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
