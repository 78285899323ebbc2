/// `inert`: the key decides nothing that is computed, for a reason that is said.
struct InertRule: ConfigRule {
  static let tellingKeys = ["inert"]

  let weight: KeyWeight

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    weight = .inert(try object.string("inert"))
  }
}
