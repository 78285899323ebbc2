import Canonical
import Diagnostics
import Splicing
import Testing

/// The sizes of a new layer and what it costs, against the numbers of the paper.
@Suite struct M2RNNSizingTests {
  private func replacement(_ model: CanonicalModel, _ sizing: M2RNNSizing = M2RNNSizing()) throws
    -> (old: GatedDeltaNet, new: M2RNN)
  {
    let old = try #require(model.configuration.layers[0].mixer.gdn)
    return (old, try sizing.configuration(replacing: old, hidden: model.configuration.hidden))
  }

  @Test func headsOfThePaper() throws {
    #expect(try replacement(PaperModels.small).new.heads == 84)
    #expect(try replacement(PaperModels.large).new.heads == 132)
  }

  @Test func theStateIsThreeTimesSmaller() throws {
    let (old, new) = try replacement(PaperModels.small)
    #expect(old.cost(hidden: 1024).stateValues == 262_144)
    #expect(new.cost(hidden: 1024).stateValues == 86_016)
    let large = try replacement(PaperModels.large)
    #expect(large.old.cost(hidden: 1536).stateValues == 3 * 256 * 512)
    #expect(large.new.cost(hidden: 1536).stateValues == 132 * 64 * 16)
  }

  @Test func theOptionsOfThePaper() throws {
    let new = try replacement(PaperModels.small).new
    #expect(new.keyDim == 64 && new.valueDim == 16)
    #expect(new.queryHeads == 1 && new.keyHeads == 1)
    #expect([new.valueHeads, new.forgetHeads, new.gateHeads, new.weightHeads] == [84, 84, 84, 84])
    #expect(new.hasResidual && new.taps == 4 && new.activation == .silu)
    #expect(new.norm == .rmsnorm && !new.hasBias)
  }

  @Test func parametersOfThePaperCountedByHand() throws {
    let (old, new) = try replacement(PaperModels.small)
    // q, k of 2 · 256 rows; v, z and the output of 2 · 512; a and b of 2.
    let gdn = 1024 * (2 * 512 + 3 * 1024 + 2 * 2) + (2 * 512 + 1024) * 4 + 2 * 2 + 512
    #expect(old.cost(hidden: 1024).parameters == gdn)
    // q, k of 64 rows; v, g and the output of 84 · 16; f of 84; W of 84 · 16 · 16; D, norm, A, dt.
    let values = 84 * 16
    let m2rnn =
      1024 * (2 * 64 + 3 * values + 84) + (2 * 64 + values) * 4 + 84 * 256 + 2 * values + 2 * 84
    #expect(new.cost(hidden: 1024).parameters == m2rnn)
    #expect(abs(Double(m2rnn) / Double(gdn) - 1) < 0.08)
  }

  @Test(arguments: [64, 96, 256, 1000, 2048, 4096, 8192])
  func parametersStayNear(_ hidden: Int) throws {
    let model = PaperModels.hybrid(
      hidden: hidden, heads: max(hidden / 256, 1), keyDim: min(hidden, 128), valueDim: 256)
    let (old, new) = try replacement(model)
    let before = Double(old.cost(hidden: hidden).parameters)
    var sizing = M2RNNSizing()
    sizing.heads = 1
    let one = try replacement(model, sizing).new.cost(hidden: hidden).parameters
    sizing.heads = 2
    let perHead = try replacement(model, sizing).new.cost(hidden: hidden).parameters - one
    let difference = Double(new.cost(hidden: hidden).parameters) - before
    #expect(difference <= max(0.08 * before, Double(perHead) / 2) || new.heads == 1)
    #expect(difference >= -Double(perHead) / 2)
  }

  @Test func givenSizesAreTaken() throws {
    var sizing = M2RNNSizing()
    (sizing.keyDim, sizing.valueDim, sizing.heads) = (32, 24, 5)
    let new = try replacement(PaperModels.small, sizing).new
    #expect(new.keyDim == 32 && new.valueDim == 24 && new.heads == 5)
    #expect(new.cost(hidden: 1024).stateValues == 5 * 32 * 24)
  }

  @Test func theConvolutionOfTheReplacedLayer() throws {
    var old = try #require(PaperModels.small.configuration.layers[0].mixer.gdn)
    old.taps = 7
    #expect(try M2RNNSizing().configuration(replacing: old, hidden: 1024).taps == 7)
  }

  @Test(arguments: [
    (0, 16, 1), (64, 0, 1), (64, 16, 0), (-1, 16, 1), (4097, 16, 1), (64, 4097, 1),
    (64, 16, 65_537), (64, 16, -5), (4096, 4096, 65_536), (64, 16, Int.max),
  ])
  func sizesThatCannotBe(_ keyDim: Int, _ valueDim: Int, _ heads: Int) throws {
    var sizing = M2RNNSizing()
    (sizing.keyDim, sizing.valueDim, sizing.heads) = (keyDim, valueDim, heads)
    let problem = try #require(throws: Problem.self) {
      _ = try replacement(PaperModels.small, sizing)
    }
    #expect(problem.kind == .usage && problem.expected != nil && problem.found != nil)
  }
}
