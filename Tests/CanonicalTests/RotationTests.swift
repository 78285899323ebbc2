import Diagnostics
import Testing

@testable import Canonical

/// Which dims of a head RoPE rotates, as configs and other libraries say it.
struct RotationTests {
  private func model(_ facts: Facts, headDim: Int) throws -> ModelConfiguration {
    let own: Facts = [
      "vocabulary": .integer(8), "hidden": .integer(8), "layers": .integer(1),
      "position": .word("rope"),
    ]
    return try ModelConfiguration(
      model: own.merging(facts) { $1 },
      layers: [
        [
          "mixer": .word("attention"), "attention.heads": .integer(2),
          "attention.kv_heads": .integer(1), "attention.head_dim": .integer(headDim),
          "mlp.intermediate": .integer(4),
        ]
      ])
  }

  /// The share that is written gives the number of dims back in the arithmetic of those who read it.
  @Test func sharesGiveTheNumberOfDimsBack() throws {
    for headDim in Array(2...48) + [96, 128] {
      for dims in stride(from: 2, through: headDim, by: 2) {
        let fraction = try #require(
          try model(["rope.dim": .integer(dims)], headDim: headDim).ropeFraction)
        #expect(Int(Double(headDim) * fraction) == dims, "\(dims) of \(headDim)")
        #expect(fraction <= 1)
      }
    }
  }

  @Test(arguments: [
    ("1,1", 4, 16, "1,1"), ("11,11,10", 16, 64, "11,11,10"), ("11,11,10", 4, 16, "1,1,0"),
    ("11,11,10", 6, 16, "1,1,1"), ("11,11,10", 8, 16, "2,1,1"), ("2,1,1", 8, 16, "2,1,1"),
    ("9,9,9,0", 8, 16, "2,1,1"), ("\(Int.max),\(Int.max),1", 8, 16, "2,1,1"),
  ])
  func sectionsThatFitAHead(given: String, dims: Int, headDim: Int, written: String) throws {
    let model = try model(
      ["rope.sections": .word(given), "rope.dim": .integer(dims)], headDim: headDim)
    #expect(model.values["rope.fitted_sections"] == .word(written))
    #expect(model.values["rope.sections_cover"] == .flag(true))
    #expect(model.ropeSections == given)
  }

  /// Pairs that would be left to a position which text does not have, and numbers nobody means.
  @Test(arguments: [
    ("20,20,-3", 8, 16), ("11,0,10", 8, 16), ("9,9,9,9", 8, 16),
  ])
  func sectionsThatDoNot(given: String, dims: Int, headDim: Int) throws {
    let model = try model(
      ["rope.sections": .word(given), "rope.dim": .integer(dims)], headDim: headDim)
    #expect(model.values["rope.sections_cover"] == .flag(false))
  }

  @Test(arguments: [(2, true), (4, true), (3, false)])
  func oddDimsAreNoPairs(dims: Int, isEven: Bool) throws {
    let model = try model(["rope.dim": .integer(dims)], headDim: 8)
    #expect(model.values["rope.in_pairs"] == .flag(isEven))
  }

  @Test func noDimsAreNoPairs() throws {
    let model = try model(["rope.fraction": .number(0.1)], headDim: 8)
    #expect(model.values["rope.in_pairs"] == .flag(false))
  }

  @Test func yarnNeedsAnEvenNumberOfDims() throws {
    let yarn: Facts = [
      "rope.scaling": .word("yarn"), "rope.factor": .number(2),
      "rope.original_positions": .integer(8),
    ]
    #expect(throws: Never.self) {
      try model(yarn.merging(["rope.dim": .integer(4)]) { $1 }, headDim: 8)
    }
    let problem = #expect(throws: Problem.self) {
      try model(yarn.merging(["rope.dim": .integer(3)]) { $1 }, headDim: 8)
    }
    #expect(problem?.kind == .unsupported && problem?.found == "3 of 8")
  }
}
