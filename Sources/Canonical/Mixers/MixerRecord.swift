/// The one home of a kind of mixer: its facts, tensors, checks and cost.
///
/// The names of its facts and roles begin with its kind.
protocol MixerRecord: FactRecord {
  /// The kind as layout files and reports write it.
  static var kind: String { get }
  /// The one-letter mark of the layer map.
  static var mark: String { get }
  /// The tensors, named without the kind.
  static var roles: [RoleRule<Self>] { get }
  /// The tensor that gives the output, `o` if left out; nil where there is none.
  static var output: String? { get }
  /// Heads that layouts order in two ways; nil if left out.
  static var groupedHeads: GroupedHeads? { get }
  /// Whether splices make such layers, whose values may be untrained; false if left out.
  static var isMadeBySplices: Bool { get }

  /// The values of the shape symbols.
  var symbols: [String: Int] { get }
  /// The sizes in a few words.
  var summary: String { get }
  /// The cost in a model of the given width.
  func cost(hidden: Int) -> LayerCost
  /// What is out of range or does not fit together, and the value.
  func disagreements(in model: Surroundings) -> [(what: String, found: String)]
  /// Fills in defaults that depend on other facts; none if left out.
  mutating func resolve(hidden: Int)
}

extension MixerRecord {
  static var output: String? { "o" }
  static var groupedHeads: GroupedHeads? { nil }
  static var isMadeBySplices: Bool { false }
  mutating func resolve(hidden: Int) {}

  /// The tensors of this mixer.
  var presentRoles: [RoleRule<Self>] { Self.roles.filter { $0.isPresent(self) } }

  /// The names of their roles.
  var roleNames: [String] { presentRoles.map { Self.kind + "." + $0.name } }

  /// The learned values.
  func parameters(hidden: Int) -> Int {
    let symbols = symbols.merging(["H": hidden]) { $1 }
    return presentRoles.reduce(0) { $0 + $1.count(symbols) }
  }

  /// Whether the order of heads makes a difference.
  var ordersHeads: Bool {
    guard let heads = Self.groupedHeads else { return false }
    return symbols[heads.groups, default: 0] > 1 && symbols[heads.perGroup, default: 0] > 1
  }
}
