import JSON

/// Heads that models have in place of the one for language, or beside it: they are carried by name.
public enum OtherHead {
  /// The modules that stand in its place: those of classifiers and reward models.
  private static let replacing = [
    "score", "classifier", "classification_head", "regression_head", "reward_head", "rm_head",
    "qa_outputs",
  ]
  /// The modules that may stand beside it, too: the values that trainers estimate.
  private static let beside = ["v_head", "value_head"]
  private static let modules = replacing + beside

  /// What stands in the names of classes that have a language head.
  private static let languageClasses = [
    "ForCausalLM", "ForConditionalGeneration", "LMHead", "ForMaskedLM",
  ]

  /// Whether a tensor is of such a head.
  static func owns(_ name: String) -> Bool {
    modules.contains { name.hasPrefix("\($0).") }
  }

  /// How such heads are carried in forms with a language head, or without.
  static func carried(besideLanguage: Bool) throws -> [CarryRule] {
    try (besideLanguage ? beside : modules).map { try CarryRule(prefix: "\($0).") }
  }

  /// What says that a model has no language head, although its names are those of a class that may have
  /// one; nil where nothing does.
  public static func evidence(config: JSONValue?, has: (String) -> Bool) -> String? {
    let names = modules.flatMap { ["\($0).weight", "\($0).summary.weight"] }
    if let name = names.first(where: has) { return "has \(name)" }
    let classes = config?["architectures"]?.array?.compactMap(\.string) ?? []
    guard let first = classes.first,
      !classes.contains(where: { name in languageClasses.contains { name.contains($0) } })
    else { return nil }
    return "architectures is \(first)"
  }
}
