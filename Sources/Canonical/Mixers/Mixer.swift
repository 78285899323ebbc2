import Diagnostics

/// The token mixer of a layer.
public enum Mixer: Hashable, Sendable {
  case attention(Attention)
  case gatedDeltaNet(GatedDeltaNet)
  case m2rnn(M2RNN)
  case kda(KimiDeltaAttention)
  case mla(LatentAttention)
  /// A mixer Graft carries through by name but does not compute, such as `mamba2`.
  case carried(String)

  /// The kinds that Graft computes.
  static let known = [
    Known(Mixer.attention), Known(Mixer.gatedDeltaNet), Known(Mixer.m2rnn), Known(Mixer.kda),
    Known(Mixer.mla),
  ]

  /// What Graft knows of the mixer; nil for one that is only carried.
  var record: (any MixerRecord)? {
    switch self {
    case .attention(let mixer): mixer
    case .gatedDeltaNet(let mixer): mixer
    case .m2rnn(let mixer): mixer
    case .kda(let mixer): mixer
    case .mla(let mixer): mixer
    case .carried: nil
    }
  }

  /// Reads a mixer from the facts of a layer.
  init(_ facts: Facts, hidden: Int) throws {
    let kind = facts["mixer"]?.asWord ?? "unknown"
    let known = Self.known.first { $0.kind == kind }
    self = try known?.read(facts, hidden) ?? .carried(kind)
  }

  /// One kind of mixer, before any layer has it.
  struct Known: Sendable {
    let kind: String
    let facts: [FactDescription]
    let roles: [RoleKind]
    let symbols: [String]
    let read: @Sendable (_ facts: Facts, _ hidden: Int) throws -> Mixer

    init<Record: MixerRecord>(_ mixer: @escaping @Sendable (Record) -> Mixer) {
      kind = Record.kind
      facts = Record.facts.map(\.description)
      roles = Record.roles.map {
        RoleKind(
          $0, .layer, of: Record.kind, heads: Record.groupedHeads,
          isOfSplices: Record.isMadeBySplices)
      }
      symbols = Array(Record().symbols.keys)
      read = { facts, hidden in
        var record = try Record(facts)
        record.resolve(hidden: hidden)
        return mixer(record)
      }
    }
  }
}

extension Mixer {
  /// The kind as layout files and reports write it.
  public var kind: String {
    if case .carried(let kind) = self { return kind }
    return record.map { type(of: $0).kind } ?? ""
  }

  /// The one-letter mark of the layer map.
  public var mark: String { record.map { type(of: $0).mark } ?? "?" }

  /// The sizes in a few words.
  public var summary: String { record?.summary ?? "carried, not computed" }

  /// Whether Graft computes the mixer.
  public var isComputed: Bool { record != nil }

  /// Whether the order of heads, which layouts choose in two ways, makes a difference.
  public var ordersHeads: Bool { record?.ordersHeads ?? false }

  /// The names of the roles that the mixer has.
  public var roleNames: [String] { record?.roleNames ?? [] }

  /// The role that gives the output; nil where there is none.
  public var output: String? { record.flatMap { type(of: $0).output }.map { kind + "." + $0 } }

  /// Whether a role is one of mixers of this kind.
  public func owns(_ role: Role) -> Bool { role.name.hasPrefix(kind + ".") }

  /// The cost of the mixer in a model of the given width; nil for a mixer that is only carried.
  public func cost(hidden: Int) -> LayerCost? { record?.cost(hidden: hidden) }

  /// The facts of the mixer, its kind among them.
  public var values: Facts { withKind(record?.values) }

  /// The facts of the mixer that decide what it computes, defaults resolved.
  func meaning(in model: Surroundings) -> Facts { withKind(record?.meaning(in: model)) }

  private func withKind(_ facts: Facts?) -> Facts {
    (facts ?? ["carried": .flag(true)]).merging(["mixer": .word(kind)]) { $1 }
  }

  var symbols: [String: Int] { record?.symbols ?? [:] }

  func disagreements(in model: Surroundings) -> [(what: String, found: String)] {
    record?.disagreements(in: model) ?? []
  }
}
