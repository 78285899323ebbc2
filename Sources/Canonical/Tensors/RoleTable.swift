/// The roles of the canonical form, as the model, mixers and feed-forward blocks declare them.
///
/// Heads are grouped as the mathematics reads them (value head h reads key head `h / (nv / nk)`),
/// q, k, v, z, b and a stand apart, experts stand apart, convolution taps are the last axis with the
/// newest input last, A_log is the logarithm.
public enum RoleTable {
  /// All kinds of tensors, in the order of their declarations.
  public static let all: [RoleKind] =
    ModelConfiguration.roles.map { RoleKind($0, .model) }
    + LayerConfiguration.roles.map { RoleKind($0, .layer) }
    + Mixer.known.flatMap(\.roles)
    + FeedForward.roles.map { RoleKind($0, .layer) }
    + FeedForward.expertRoles.map { RoleKind($0, .expert) }
    + NgramEmbedding.roles.map { RoleKind($0, .layer) }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The kind of a name; nil for an unknown one.
  public static subscript(name: String) -> RoleKind? { byName[name] }

  /// The scope of a role name, or nil for an unknown one.
  public static func scope(_ name: String) -> RoleKind.Scope? { byName[name]?.scope }

  /// The symbolic shape of a role, or nil for an unknown one.
  public static func shape(_ name: String) -> [SizeExpression]? { byName[name]?.shape }

  /// Whether a role has a row for each token of the vocabulary.
  public static func hasRowPerToken(_ name: String) -> Bool { shape(name)?.first?.text == "vocab" }

  /// The symbols of the sizes that every model has.
  public static let modelSymbols = Set(ModelConfiguration().symbols(of: nil).keys)

  /// The symbols of all sizes that models and their layers have.
  public static let symbols =
    modelSymbols
    .union(FeedForward().symbols.keys).union(NgramEmbedding().symbols.keys)
    .union(Mixer.known.flatMap(\.symbols))

  /// The names of the kinds with some traits.
  public static func names(_ traits: RoleTraits) -> Set<String> {
    Set(all.filter { $0.traits.isSuperset(of: traits) }.map(\.name))
  }

  /// The names of the kinds whose stored tensors show an aspect of the form.
  public static func names(showing aspect: FormAspect) -> Set<String> {
    Set(all.filter { $0.aspects.contains(aspect) }.map(\.name))
  }
}
