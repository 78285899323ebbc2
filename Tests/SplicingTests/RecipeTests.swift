import Canonical
import Diagnostics
import GraftTestSupport
import Splicing
import SystemPackage
import Testing

/// Files that say which layers are replaced, and how.
@Suite struct RecipeTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private static let yaml = """
    # two groups
    splice:
      - layers: [0, 2]
        init: transfer
        seed: 7
        steps: 20
        heads: 4
      - layers:
          - 1
        init: donor
        donor: "a b"
        donor_layer: 3
    """

  private static let json = """
    {"splice": [{"layers": [0, 2], "init": "transfer", "seed": 7, "steps": 20, "heads": 4},
                {"layers": [1], "init": "donor", "donor": "a b", "donor_layer": 3}]}
    """

  @Test(arguments: [("r.yaml", yaml), ("r.yml", yaml), ("r.json", json)])
  func bothSpellingsSayTheSame(_ name: String, _ text: String) throws {
    let groups = try SpliceRecipe.read(folder.write(name, text.utf8).string)
    #expect(groups.map(\.layers) == [[0, 2], [1]])
    #expect(groups.map(\.initialisation) == [.transfer, .donor])
    #expect(groups.map(\.seed) == [7, 0] && groups.map(\.steps) == [20, nil])
    #expect(groups.map(\.sizing.heads) == [4, nil])
    #expect(groups[1].donor == "a b" && groups[1].donorLayer == 3)
  }

  @Test func aDonorIsOpenedOnlyWhereOneIsWanted() throws {
    var group = SpliceGroup(layers: [0])
    group.donor = "there"
    struct Opened: Error, Equatable { let path: String }
    func open(_ path: String) throws -> CanonicalModel { throw Opened(path: path) }
    for word in Splice.Initialisation.allCases where word != .donor {
      group.initialisation = word
      #expect(try group.splice(donors: open).donor == nil, "\(word)")
    }
    group.initialisation = .donor
    #expect(throws: Opened(path: "there")) { try group.splice(donors: open) }
    group.donor = nil
    let problem = try #require(throws: Problem.self) { try group.splice(donors: open) }
    #expect(problem.kind == .usage && problem.remedy == "add --donor PATH")
  }
}
