import Diagnostics
import GraftTestSupport
import Testing

@testable import Layouts

/// Lists of many modules: as each entry alone says, and in a time that grows as the lists do.
struct ModuleListTests {
  private static let words = ["a", "b", "ab", "mlp", "0", "1", "10", "gate", "gate_proj"]

  private static func name(_ generator: inout SeededGenerator, _ longest: Int) -> String {
    (0..<Int.random(in: 1...longest, using: &generator)).map { _ in
      words.randomElement(using: &generator) ?? ""
    }.joined(separator: ".")
  }

  private static func entry(_ generator: inout SeededGenerator) -> String {
    let name = name(&generator, 3)
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: return name + ".*"
    case 1: return ".*" + name
    case 2: return name + "\\.\\d+"
    case 3: return name + "."
    case 4: return String(name.dropFirst())
    default: return name
    }
  }

  @Test func coversWhatItsEntriesCover() {
    var generator = SeededGenerator(seed: 5)
    for round in 0..<300 {
      let entries = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
        Self.entry(&generator)
      }
      let list = ModuleList(entries)
      let modules = (0..<10).map { _ in Self.name(&generator, 4) }
      let covered = list.covered(of: modules)
      for (place, module) in modules.enumerated() {
        let answers = list.patterns.map { $0.matches(module) }
        #expect(list.covers(module) == answers.contains(true), "\(round): \(entries) \(module)")
        for (entry, answer) in answers.enumerated() {
          #expect(
            covered[entry].contains(place) == answer, "\(list.patterns[entry].text) \(module)")
        }
      }
    }
  }

  /// Each with each would be tens of millions of comparisons, minutes in a debug build.
  @Test(.timeLimit(.minutes(1))) func thousandsAreCompared() {
    let modules = (0..<6000).map {
      "model.layers.\($0 / 1000).mlp.experts.\($0 % 1000).down_proj"
    }
    let list = ModuleList(modules + (0..<100).map { "other\\.\($0)\\.\\d+.*" })
    let covered = list.covered(of: modules)
    #expect(covered.prefix(modules.count).enumerated().allSatisfy { $0.element == [$0.offset] })
    #expect(list.covers("model.layers.3.mlp.experts.7.up_proj") == false)
  }

  @Test func wildcardsTakeNoExponentialTime() {
    let pattern = ModulePattern(".*a.*a.*a.*b")
    #expect(pattern.matches(String(repeating: "a", count: 20_000)) == false)
  }

  @Test func numbersInNamesDoNotOverflow() {
    let names = (0..<3000).map { index in
      (1...8).map { "\(index * $0 % 2999)" }.joined(separator: ".")
    }
    #expect(NameFolding.fold(names).count == 3000)
    #expect(NameFolding.fold(["a.0.b.0", "a.0.b.1", "a.1.b.0", "a.1.b.1"]) == ["a.{0…1}.b.{0…1}"])
  }

  @Test func longNamesHaveNoNeighbours() {
    let long = String(repeating: "n", count: 60_000)
    #expect(Suggestion.nearest(to: long, in: [long + "m"]) == nil)
    #expect(Suggestion.nearest(to: "wieght", in: [long, "weight"]) == "weight")
  }
}
