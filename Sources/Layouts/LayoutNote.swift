import Canonical
import JSON

/// What a user of the layout's own library should know of some models that are written in it.
public struct LayoutNote: Hashable, Sendable {
  /// What the note is about.
  enum Occasion: Hashable, Sendable {
    /// A model that has such a layer.
    case some(Condition)
    /// A model of which values are stored in a wider type than they came in.
    case widened
  }

  let occasion: Occasion
  private let text: String

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a note")
    let some = try object.optional("some", Condition.init(file:))
    let isWidened = try object.flag("widened")
    text = try object.string("says")
    try object.finish()
    guard (some != nil) != isWidened else {
      throw FormatValue.wrong(value, "either some or widened")
    }
    occasion = some.map(Occasion.some) ?? .widened
    for name in some?.facts ?? [] { _ = try FormatValue.fact(name) }
  }

  /// The note for a model; nil where it does not concern it.
  /// - Parameter widened: the number of tensors that are stored in a wider type than they came in.
  func line(_ layers: [Facts], widened: Int) -> String? {
    switch occasion {
    case .some(let condition): layers.contains(where: condition.holds) ? text : nil
    case .widened:
      widened > 0 ? text.replacing("{count}", with: "\(widened)") : nil
    }
  }
}
