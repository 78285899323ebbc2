import Diagnostics
import JSON

/// What configs of GPTQ, AWQ and AutoRound have in common: bits and group size, of single modules too.
struct ColumnClaim: Sendable {
  /// Whether AutoRound wrote it, in one of several layouts.
  let isAutoRound: Bool
  private let base: Entry
  private let modules: [String: Entry]
  /// Whether patterns change the options of some modules, so that only the stored parts show them.
  private let hasPatterns: Bool

  private struct Entry {
    let bits: Int?
    let group: Int?
  }

  private static let largestGroup = 1 << 30

  init(_ claim: JSONValue) throws {
    guard claim.object != nil else { throw PackingClaim.impossible("an object", claim.kindName) }
    isAutoRound = claim["quant_method"]?.string?.hasSuffix("auto-round") ?? false
    base = try Self.entry(claim)
    let more = claim["extra_config"]?.object?.entries ?? []
    var modules: [String: Entry] = [:]
    for (name, entry) in more { modules[name] = try Self.entry(entry) }
    self.modules = modules
    hasPatterns = !(claim["dynamic"]?.object?.isEmpty ?? true)
    if let type = claim["data_type"]?.string, type != "int" {
      throw Self.unsupported("data_type \(type)")
    }
  }

  private static func entry(_ claim: JSONValue) throws -> Entry {
    let bits = try PackingClaim.number("bits", claim) ?? PackingClaim.number("w_bit", claim)
    let group =
      try PackingClaim.number("group_size", claim) ?? PackingClaim.number("q_group_size", claim)
    if let bits, !(1...32 ~= bits) { throw PackingClaim.impossible("bits from 1 to 32", "\(bits)") }
    if let group, group != -1, !(1...largestGroup ~= group) {
      throw PackingClaim.impossible("group_size as a positive number or -1", "\(group)")
    }
    return Entry(bits: bits, group: group)
  }

  func bits(of module: String) -> Int? { hasPatterns ? nil : modules[module]?.bits ?? base.bits }
  func group(of module: String) -> Int? { hasPatterns ? nil : modules[module]?.group ?? base.group }

  static func unsupported(_ option: String) -> Problem {
    PackingClaim.unsupported("GPTQ and AWQ", option)
  }
}
