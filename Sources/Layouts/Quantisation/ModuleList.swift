/// A list of modules, made to be asked about every tensor of a large model.
public struct ModuleList: Hashable, Sendable {
  /// The entries, each once.
  let patterns: [ModulePattern]
  /// The plain entries: they cover what lies below them, whose names begin with theirs and a dot.
  private let plain: [Int]
  private let modules: PrefixIndex
  /// All entries, backwards: they cover what ends with them.
  private let endings: PrefixIndex
  /// The entries with wildcards, each with the beginning that all names covered by it have.
  private let wildcards: [Int]
  private let beginnings: PrefixIndex
  /// Whether there are entries that Graft does not understand.
  private let isUnclear: Bool

  init(_ texts: [String]) {
    var seen: Set<String> = []
    let patterns = texts.filter { seen.insert($0).inserted }.map(ModulePattern.init)
    self.patterns = patterns
    let places = patterns.indices
    let plain = places.filter { patterns[$0].isPlain }
    self.plain = plain
    modules = PrefixIndex(plain.map { Array((patterns[$0].text + ".").utf8) })
    endings = PrefixIndex(patterns.map { Array($0.text.utf8.reversed()) })
    let others = places.filter { !patterns[$0].isPlain && patterns[$0].beginning != nil }
    wildcards = others
    beginnings = PrefixIndex(others.map { patterns[$0].beginning ?? [] })
    isUnclear = patterns.contains { $0.beginning == nil }
  }

  /// The places of the entries that cover a module.
  /// - Cost: that of the entries found, and for each wildcard whose beginning fits a match.
  private func entries(_ module: String) -> Set<Int> {
    let letters = Array(module.utf8)
    var found = Set(endings.places(beginning: letters.reversed()))
    for place in beginnings.places(beginning: letters)
    where patterns[wildcards[place]].matchesElements(letters) {
      found.insert(wildcards[place])
    }
    for place in modules.places(beginning: letters) { found.insert(plain[place]) }
    return found
  }

  /// Whether an entry covers a module; nil where Graft cannot tell.
  func covers(_ module: String) -> Bool? {
    entries(module).isEmpty ? (isUnclear ? nil : false) : true
  }

  /// For each entry which of some modules it covers, by place.
  func covered(of modules: [String]) -> [[Int]] {
    var covered: [[Int]] = Array(repeating: [], count: patterns.count)
    for (place, module) in modules.enumerated() {
      for entry in entries(module) { covered[entry].append(place) }
    }
    return covered
  }
}
