import JSON
import Tensors

/// How a layout stores the scales of quantised weights and how its config announces them.
public struct ScaleRule: Sendable {
  /// The config key that holds the quantisation.
  public let key: String
  /// The names that the scale of a weight may have; the first one is written.
  private let names: [ScaleName]
  /// The tags of the forms that are written with quantised weights where no other is asked for; empty
  /// for the usual one.
  let tags: Set<String>
  /// The name of the one scale of a tensor that several stored ones make up, `{pieces}` standing for what
  /// their names begin with; nil where such tensors have none.
  let joint: String?
  /// Whether weights may be plain that the config does not except.
  let isLoose: Bool

  /// The name of the one scale of a tensor that some stored ones make up.
  func jointName(of pieces: [String]) -> String? {
    pieces.count > 1 ? jointName(ofPiece: pieces[0]) : nil
  }

  /// The name of the one scale of all stored tensors that make up the one of which a piece is given.
  public func jointName(ofPiece name: String) -> String? {
    let parts = name.split(separator: ".").dropLast(2)
    return joint?.replacing("{pieces}", with: parts.joined(separator: "."))
  }

  /// The names under which the scale of a weight may be stored, the preferred one first.
  public func names(of weight: String) -> [String] {
    names.compactMap { $0.name(of: weight) }
  }

  /// The name under which the scale of a weight is stored; the preferred one where none is.
  func name(of weight: String, in stored: StoredHeaders) -> String {
    let places = names.lazy.compactMap { $0.name(of: weight).flatMap(stored.place) }
    return places.first.map { stored.names[$0] } ?? names(of: weight)[0]
  }
}

extension LayoutForm {
  /// Whether weights with scales are written in this form where no other is asked for.
  public func isPreferred(by rule: ScaleRule?) -> Bool {
    guard let rule, !rule.tags.isEmpty else { return true }
    return !tags.isDisjoint(with: rule.tags)
  }
}

extension ScaleRule {
  /// Reads the `scales` section of a layout file.
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "scales")
    key = try object.string("config")
    names = try object.strings("names").map(ScaleName.init)
    tags = Set(try object.strings("in"))
    joint = try object.optionalString("joint")
    isLoose = try object.flag("loose")
    try object.finish()
    guard let first = names.first, !first.isOfModule else {
      throw FormatValue.wrong(value, ScaleName.expected)
    }
  }
}

/// The name of a scale, in which `{name}` stands for that of the weight, or `{module}` for that without its last
/// `.weight`. It is taken apart once: checkpoints have hundreds of thousands of scales.
private struct ScaleName: Sendable {
  static let expected = "names with {name} or {module}, the first one with {name}"

  let isOfModule: Bool
  private let before: String
  private let after: String

  init(_ text: String) throws {
    isOfModule = text.contains("{module}")
    let parts = text.split(
      separator: isOfModule ? "{module}" : "{name}", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw FormatValue.wrong(.string(text), Self.expected) }
    (before, after) = (String(parts[0]), String(parts[1]))
  }

  func name(of weight: String) -> String? {
    guard isOfModule else { return before + weight + after }
    let end = ".weight"
    return weight.hasSuffix(end) ? before + weight.dropLast(end.count) + after : nil
  }
}
