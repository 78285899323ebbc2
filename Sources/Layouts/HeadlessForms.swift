import Canonical
import Diagnostics
import JSON

/// The forms that a layout has for models that were saved without a language head.
///
/// Each form has a second one with the same names except that of the head. Where the class with a head
/// prefixes all other names, a third one lacks that prefix, as `AutoModel` saves it.
struct HeadlessForms: Sendable {
  /// What the names of a base model lack; nil where there is no such form.
  private let base: String?
  /// The names of classes with a head, and of those without that stand for them in a config; nil where a
  /// layout has no model without a head.
  private let classes: [String: String]?

  init(_ file: inout FormatObject) throws {
    guard let value = file.optional("headless") else {
      (base, classes) = (nil, nil)
      return
    }
    var object = try FormatObject(value, "headless")
    base = try object.optionalString("base")
    let names = try object.required("classes")
    guard case .object(let names) = names else { throw FormatValue.wrong(names, "an object") }
    classes = Dictionary(
      try names.entries.map { ($0.key, try FormatValue.string($0.value)) },
      uniquingKeysWith: { first, _ in first })
    try object.finish()
  }

  /// Whether there are any.
  var exist: Bool { classes != nil }

  /// Forms with those of other classes behind them.
  func all(of forms: [LayoutForm]) -> [LayoutForm] {
    guard exist else { return forms }
    return forms + forms.map { $0.saved(from: .other) }
      + (base == nil ? [] : forms.map { $0.saved(from: .base) })
  }

  /// A layout file, or a part of it, as a form has it: with its prefix, without what the names of a base
  /// model lack, and with its class.
  func filled(_ file: JSONValue, _ form: LayoutForm) -> JSONValue {
    let prefixed = file.replacing("{prefix}", with: form.prefix)
    guard let classes, form.modelClass != .language else { return prefixed }
    let lacking = form.modelClass == .base ? base ?? "" : ""
    let named = prefixed.mapStrings { text in
      text.hasPrefix(lacking) ? String(text.dropFirst(lacking.count)) : text
    }
    guard var object = named.object, let config = object["config"] else { return named }
    object["config"] = config.mapStrings { classes[$0] ?? $0 }
    return .object(object)
  }
}
