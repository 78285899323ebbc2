import Canonical
import JSON

/// One of the forms on disk of a layout: another prefix, experts fused or apart, names of an older program.
public struct LayoutForm: Hashable, Sendable {
  /// The name of the form; empty where there is one only.
  public private(set) var name: String
  /// What `{prefix}` in names stands for.
  public let prefix: String
  /// Rules marked with one of these exist in this form only.
  public let tags: Set<String>
  /// Whether Graft writes the form, not only reads it.
  public let isWritten: Bool
  /// Whether the keys of a new config stand in the nested object.
  public let isWrapped: Bool
  /// The ids of layouts whose models belong in this form.
  public let suits: Set<String>
  /// The class that models in the form were saved from.
  public private(set) var modelClass = ModelClass.language

  /// The only form of a layout.
  static let only = LayoutForm(
    name: "", prefix: "", tags: [], isWritten: true, isWrapped: true)
}

extension LayoutForm {
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a form")
    name = try object.string("name")
    prefix = try object.optionalString("prefix") ?? ""
    tags = Set(try object.strings("tags"))
    isWritten = object.optional("write") != .bool(false)
    isWrapped = object.optional("wrap") != .bool(false)
    suits = Set(try object.strings("suits"))
    try object.finish()
    try FormatLimits.check(prefix.utf8.count, .text, at: "prefix")
  }

  private init(name: String, prefix: String, tags: Set<String>, isWritten: Bool, isWrapped: Bool) {
    (self.name, self.prefix, self.tags) = (name, prefix, tags)
    (self.isWritten, self.isWrapped, suits) = (isWritten, isWrapped, [])
  }

  /// The form as another class saves it.
  func saved(from other: ModelClass) -> LayoutForm {
    var form = self
    form.modelClass = other
    let ending =
      switch other {
      case .language: ""
      case .base: "base model"
      case .other: "without a language head"
      }
    form.name = [name, ending].filter { !$0.isEmpty }.joined(separator: ", ")
    return form
  }
}
