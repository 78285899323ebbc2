import Canonical
import GraftTestSupport
import Testing

@Suite struct FeedForwardTests {
  @Test(arguments: Activation.allCases, [true, false])
  func everyActivation(_ activation: Activation, isGated: Bool) throws {
    try expectAgreement([
      gdn(["mlp.activation": .word(activation.rawValue), "mlp.gated": .flag(isGated)])
    ])
  }

  @Test(arguments: [true, false])
  func biases(_ isGated: Bool) throws {
    try expectAgreement([gdn(["mlp.bias": .flag(true), "mlp.gated": .flag(isGated)])])
  }

  private func moe(_ more: Facts) -> Facts {
    let facts: Facts = [
      "mlp": .word("moe"), "moe.experts": .integer(5), "moe.experts_per_token": .integer(2),
    ]
    return gdn(facts.merging(more) { $1 })
  }

  @Test(arguments: ["softmax_topk", "topk_softmax"], [1, 2, 5])
  func bothRouterOrders(_ router: String, k: Int) throws {
    try expectAgreement([
      moe(["moe.router": .word(router), "moe.experts_per_token": .integer(k)])
    ])
  }

  @Test(
    arguments: [
      ["moe.shared_intermediate": .integer(9)],
      ["moe.shared_intermediate": .integer(9), "moe.shared_gate": .flag(true)],
      ["moe.shared_intermediate": .integer(9), "mlp.bias": .flag(true)],
      ["mlp.gated": .flag(false), "mlp.activation": .word("prelu")],
    ] as [Facts])
  func sharedExpertsAndBiases(_ more: Facts) throws {
    try expectAgreement([moe(more)], count: 40)
  }

  @Test(
    arguments: [
      [:], ["moe.correction": .flag(true)], ["moe.renormalise": .flag(false)],
      ["moe.scale": .number(2.5)], ["moe.groups": .integer(3)],
      ["moe.groups": .integer(3), "moe.groups_per_token": .integer(2)],
      ["moe.groups": .integer(2), "moe.correction": .flag(true), "moe.scale": .number(1.3)],
    ] as [Facts])
  func sigmoidsChooseAmongGroups(_ more: Facts) throws {
    let facts: Facts = ["moe.router": .word("sigmoid"), "moe.experts": .integer(6)]
    try expectAgreement([moe(facts.merging(more) { $1 })], count: 40)
  }

  @Test func tiesGoToTheLowerExpert() throws {
    var canonical = try RandomModel.make([moe(["moe.experts_per_token": .integer(2)])])
    canonical.tensors[Role("moe.router", layer: 0)] = CanonicalTensor(
      shape: [5, 24], values: [Float](repeating: 0, count: 120), origin: "router")
    let ids = tokens(5)
    let expected = ReferenceModel(model: canonical).logits(ids)
    #expect(try distance(logits(canonical, ids), expected) < 5e-5)
  }
}
