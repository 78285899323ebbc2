import Canonical
import Diagnostics
import Splicing
import Testing

/// Splices of models in memory: which roles come and go, and what is refused.
@Suite struct SpliceTests {
  private func model(layers: Int = 3, hidden: Int = 32) -> CanonicalModel {
    var model = PaperModels.hybrid(
      hidden: hidden, heads: 2, keyDim: 8, valueDim: 16, layers: layers)
    for layer in 0..<layers {
      for role in ["gdn.q", "gdn.A_log", "mixer_norm", "mlp.up"] {
        model.tensors[Role(role, layer: layer)] = CanonicalTensor(
          shape: [1], values: [Float(layer)], origin: "\(role) \(layer)")
      }
    }
    model.tensors[Role("embedding")] = CanonicalTensor(shape: [1], values: [9], origin: "embedding")
    return model
  }

  private func splice(
    _ layers: [Int], _ initialisation: Splice.Initialisation = .reference,
    donor: Splice.Donor? = nil
  ) -> Splice {
    Splice(
      layers: layers, sizing: M2RNNSizing(), initialisation: initialisation, donor: donor)
  }

  @Test(arguments: [[0], [1], [2, 0], [0, 1, 2]])
  func rolesOfTheLayersAreReplaced(_ layers: [Int]) throws {
    let before = model()
    let after = try splice(layers).applied(to: before)
    for layer in 0..<3 {
      let isReplaced = layers.contains(layer)
      #expect((after.configuration.layers[layer].mixer.m2rnn != nil) == isReplaced)
      let roles = after.tensors.keys.filter { $0.layer == layer }.map(\.name)
      #expect(roles.contains { $0.hasPrefix("gdn.") } == !isReplaced)
      #expect(roles.contains { $0.hasPrefix("m2rnn.") } == isReplaced)
    }
    for (role, tensor) in before.tensors where !role.name.hasPrefix("gdn.") {
      #expect(after.tensors[role]?.origin == tensor.origin)
    }
    #expect(after.configuration.layers[0].feedForward == before.configuration.layers[0].feedForward)
  }

  @Test func zeroStartsWithNothingFromTheMixer() throws {
    let zero = try splice([1], .zero).applied(to: model())
    let plain = try splice([1], .reference).applied(to: model())
    for (role, tensor) in plain.tensors where role.layer == 1 && role.name.hasPrefix("m2rnn.") {
      let values = try #require(zero.tensors[role]).floats()
      if role.name == "m2rnn.o" {
        #expect(values.allSatisfy { $0.bitPattern == 0 })
      } else {
        #expect(try values == tensor.floats(), "\(role)")
      }
    }
  }

  @Test(arguments: [[], [0, 0], [2, 1, 2]])
  func listsThatSayNothingOrTooMuch(_ layers: [Int]) throws {
    let problem = try #require(throws: Problem.self) {
      _ = try splice(layers).applied(to: model())
    }
    #expect(problem.kind == .usage)
  }

  @Test(arguments: [3, -1, Int.max, Int.min])
  func layersThatAreNotThere(_ layer: Int) throws {
    let problem = try #require(throws: Problem.self) {
      _ = try splice([layer]).applied(to: model())
    }
    #expect(problem.kind == .usage && problem.layer == layer && problem.expected == "0 to 2")
  }

  @Test func aLayerThatIsOneAlready() throws {
    let once = try splice([1]).applied(to: model())
    let problem = try #require(throws: Problem.self) { _ = try splice([1]).applied(to: once) }
    #expect(problem.kind == .usage && problem.layer == 1 && problem.found == "m2rnn")
    #expect(problem.remedy == "choose one of 0, 2")
  }

  @Test func aDonorGivesItsSizesAndValues() throws {
    var sizing = M2RNNSizing()
    (sizing.keyDim, sizing.valueDim, sizing.heads) = (4, 6, 2)
    let donor = try Splice(layers: [0], sizing: sizing, initialisation: .reference, seed: 8)
      .applied(to: model(layers: 1))
    let after = try splice([2], .donor, donor: .init(donor, layer: 0, file: "d")).applied(
      to: model())
    #expect(after.configuration.layers[2].mixer.m2rnn == donor.configuration.layers[0].mixer.m2rnn)
    for (role, tensor) in donor.tensors where role.name.hasPrefix("m2rnn.") {
      #expect(try after.tensors[Role(role.name, layer: 2)]?.floats() == tensor.floats(), "\(role)")
    }
  }

  @Test func donorsThatDoNotFit() throws {
    let donor = try splice([0]).applied(to: model(layers: 2))
    let other = try splice([0]).applied(to: model(hidden: 64))
    let cases: [(Splice.Donor, String?)] = [
      (.init(donor, layer: 1, file: "d"), "MG"), (.init(donor, layer: 2, file: "d"), "MG"),
      (.init(donor, layer: -1, file: "d"), "MG"), (.init(other, layer: 0, file: "d"), "64"),
    ]
    for (donor, found) in cases {
      let problem = try #require(throws: Problem.self) {
        _ = try splice([0], .donor, donor: donor).applied(to: model())
      }
      #expect(problem.kind == .unsupported && problem.found == found)
    }
  }
}
