import Canonical
import Diagnostics
import JSON

/// Stored tensors that are carried through by name: those of a mixer Graft does not compute, or a
/// second copy of a tensor.
public struct CarryRule: Hashable, Sendable {
  /// How the stored names begin.
  public let prefix: NameTemplate
  /// For which layers, or for which models.
  public let condition: Condition
  /// The role whose values the tensor repeats; nil for a tensor of its own.
  public let same: String?
  /// Whether the tensors belong to multi-token prediction.
  public let isPrediction: Bool
  /// Whether the original never reads the tensor, so that a layout without a place for it loses nothing;
  /// the prefix is then the whole name.
  public let isUnused: Bool
  /// How other layouts know the tensors; nil where they go by their stored names alone.
  public let shared: SharedNames?
}

extension CarryRule {
  /// A rule for tensors of which nothing is known but how their names begin.
  init(prefix text: String) throws {
    prefix = try NameTemplate(text)
    (condition, same, shared) = (.always, nil, nil)
    (isPrediction, isUnused) = (false, false)
  }

  /// Reads a rule; nil where the form on disk does not have it.
  init?(_ value: JSONValue, _ form: LayoutForm) throws {
    var object = try FormatObject(value, "a carry rule")
    let tags = try object.strings("in")
    prefix = try object.required("prefix", NameTemplate.init(file:))
    condition = try object.condition()
    same = try object.optionalString("same")
    isPrediction = try object.flag("mtp")
    isUnused = try object.flag("unused")
    shared = try SharedNames(&object)
    _ = try object.optionalString("claimed")
    if let same, RoleTable.scope(same) == nil {
      throw Problem(.invalid, "a layout file names an unknown role", found: same)
    }
    try object.finish()
    guard tags.isEmpty || !form.tags.isDisjoint(with: tags) else { return nil }
  }
}
