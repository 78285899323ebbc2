import Canonical
import Diagnostics
import JSON

/// Something about stored values that names and shapes do not show, said by the user.
public enum Assumption: Hashable, Sendable {
  /// How the value heads of one key head lie.
  public enum HeadOrder: String, Hashable, Sendable {
    /// Value head h reads key head `h / (nv / nk)`.
    case grouped
    /// Value head h reads key head `h mod nk`.
    case tiled
  }

  /// How `A_log` is stored.
  public enum DecayForm: String, Hashable, Sendable {
    case log
    /// As `-exp(A_log)`.
    case negexp
  }

  /// How the halves of the projection stand that multi-token prediction begins with.
  public enum Halves: String, Hashable, Sendable {
    /// As the layout says, that of the embedding first.
    case kept
    /// That of the hidden state first.
    case exchanged
  }

  /// What was added to the weights of norms that multiply by `1 + weight`: wherever the values show it,
  /// or in one part of the model.
  case normOffset(Int, NormPart?)
  case decay(DecayForm)
  case valueHeads(HeadOrder)
  case halves(Halves)
  /// The positions of the blocks among which an indexer chooses, where the files do not tell.
  case indexBlock(Int)
  /// A fact of layers that a converter does not write, and that its readers take for granted.
  case lostFact(String, FactValue)

  /// The facts that converters lose although they decide what is computed.
  private static let lostFacts = ["moe.groups", "moe.groups_per_token", "moe.renormalise"]

  /// The part that each word names, nil for none.
  private static let normParts: KeyValuePairs<String, NormPart?> = [
    "norm-offset": nil, "trunk-norm-offset": .trunk, "mtp-norm-offset": .prediction,
  ]

  /// Whether it is about what metadata say, and not about values.
  public var isOfMetadata: Bool { if case .indexBlock = self { true } else { false } }

  /// The subject of the values that it is about.
  public var subject: String {
    switch self {
    case .normOffset(_, let part): (part ?? .trunk).subject
    case .decay: "A_log"
    case .valueHeads: "value heads"
    case .halves: "halves of the projection of multi-token prediction"
    case .indexBlock: "blocks of an indexer"
    case .lostFact(let name, _): name
    }
  }

  /// Reads an assumption as written on the command line, such as `norm-offset=1`.
  /// - Throws: `Problem` of kind `usage` for anything else.
  public init(_ text: String) throws {
    let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
    switch (sides.first, sides.last) {
    case (let name?, let value?)
    where Self.normParts.contains { $0.key == name } && (0...2).contains(Int(value) ?? -1):
      self = .normOffset(Int(value) ?? 0, Self.normParts.first { $0.key == name }?.value)
    case ("A_log", let value?) where DecayForm(rawValue: value) != nil:
      self = .decay(DecayForm(rawValue: value) ?? .log)
    case ("value-heads", let value?) where HeadOrder(rawValue: value) != nil:
      self = .valueHeads(HeadOrder(rawValue: value) ?? .grouped)
    case ("mtp-halves", let value?) where Halves(rawValue: value) != nil:
      self = .halves(Halves(rawValue: value) ?? .kept)
    case ("index-block", let value?) where (1...1 << 20).contains(Int(value) ?? 0):
      self = .indexBlock(Int(value) ?? 1)
    case (let name?, let value?) where Self.lostFacts.contains(name):
      self = .lostFact(name, try Self.value(value, of: name))
    default:
      throw Problem(
        .usage, "not an assumption",
        expected:
          "norm-offset, trunk-norm-offset or mtp-norm-offset=0, 1 or 2; A_log=log or negexp; value-heads=grouped or tiled; mtp-halves=kept or exchanged; index-block=positions; moe.groups or moe.groups_per_token=number; moe.renormalise=true or false",
        found: text, remedy: "write it as --assume norm-offset=1")
    }
  }

  private static func value(_ text: String, of fact: String) throws -> FactValue {
    let kind = FactNames.kind(of: fact) ?? .word
    let value = (try? JSONValue(parsing: Array(text.utf8))).flatMap(FactValue.init)
    guard let value, kind.holds(value) else {
      throw Problem(
        .usage, "not a value of \(fact)", expected: kind.text, found: text,
        remedy: "write it as --assume moe.groups=4")
    }
    return value
  }
}
