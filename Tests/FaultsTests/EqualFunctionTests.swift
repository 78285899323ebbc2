import Canonical
import Comparison
import Foundation
import GraftTestSupport
import JSON
import Opening
import Runtime
import Testing
import Verification

/// Checkpoints that hold other values and compute the same are no fault: heads, neurons and experts in
/// another order.
@Suite struct EqualFunctionTests {
  /// What changes places together, as steps of a fault.
  struct Permutation: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let layers: String
    let steps: String

    static let all = [
      Permutation(
        testDescription: "key heads with their value heads", layers: "gdn*",
        steps: """
          ["roll","gdn.q",0,["nk","dk"],0],["roll","gdn.k",0,["nk","dk"],0],
          ["roll","gdn.conv.q?",0,["nk","dk"],0],["roll","gdn.conv.k?",0,["nk","dk"],0],
          ["roll","gdn.v",0,["nk","r","dv"],0],["roll","gdn.z?",0,["nk","r","dv"],0],
          ["roll","gdn.conv.v?",0,["nk","r","dv"],0],["roll","gdn.a",0,["nk","r"],0],
          ["roll","gdn.b",0,["nk","r"],0],["roll","gdn.A_log",0,["nk","r"],0],
          ["roll","gdn.dt_bias",0,["nk","r"],0],["roll","gdn.o",1,["nk","r","dv"],0]
          """),
      Permutation(
        testDescription: "value heads of each key head", layers: "gdn",
        steps: """
          ["roll","gdn.v",0,["nk","r","dv"],1],["roll","gdn.z?",0,["nk","r","dv"],1],
          ["roll","gdn.conv.v?",0,["nk","r","dv"],1],["roll","gdn.a",0,["nk","r"],1],
          ["roll","gdn.b",0,["nk","r"],1],["roll","gdn.A_log",0,["nk","r"],1],
          ["roll","gdn.dt_bias",0,["nk","r"],1],["roll","gdn.o",1,["nk","r","dv"],1]
          """),
      Permutation(
        testDescription: "attention heads within groups", layers: "attention",
        steps: """
          ["roll","attention.q",0,["nkv","rh","hd"],1],["roll","attention.q.bias?",0,["nkv","rh","hd"],1],
          ["roll","attention.gate?",0,["nkv","rh","hd"],1],["roll","attention.o",1,["nkv","rh","hd"],1]
          """),
      Permutation(
        testDescription: "groups of attention heads", layers: "attention",
        steps: """
          ["roll","attention.q",0,["nkv","rh","hd"],0],["roll","attention.gate?",0,["nkv","rh","hd"],0],
          ["roll","attention.k",0,["nkv","hd"],0],["roll","attention.v",0,["nkv","hd"],0],
          ["roll","attention.o",1,["nkv","rh","hd"],0]
          """),
      Permutation(
        testDescription: "neurons of the dense block", layers: "dense",
        steps: """
          ["roll","mlp.gate",0,["I"],0],["roll","mlp.up",0,["I"],0],["roll","mlp.down",1,["I"],0]
          """),
      Permutation(
        testDescription: "experts with the rows of the router", layers: "moe",
        steps: """
          ["roll","moe.router",0,["E"],0],["roll","moe.correction?",0,["E"],0],["roll-experts"]
          """),
      Permutation(
        testDescription: "heads of KDA", layers: "kda*",
        steps: """
          ["roll","kda.q",0,["n","d"],0],["roll","kda.k",0,["n","d"],0],["roll","kda.v",0,["n","d"],0],
          ["roll","kda.conv.q",0,["n","d"],0],["roll","kda.conv.k",0,["n","d"],0],
          ["roll","kda.conv.v",0,["n","d"],0],["roll","kda.f?",0,["n","d"],0],["roll","kda.f_b?",0,["n","d"],0],
          ["roll","kda.g?",0,["n","d"],0],["roll","kda.g_b?",0,["n","d"],0],["roll","kda.b",0,["n"],0],
          ["roll","kda.A_log",0,["n"],0],["roll","kda.dt_bias",0,["n","d"],0],["roll","kda.o",1,["n","d"],0]
          """),
      Permutation(
        testDescription: "channels of keys of KDA", layers: "kda",
        steps: """
          ["roll","kda.q",0,["n","d"],1],["roll","kda.k",0,["n","d"],1],["roll","kda.conv.q",0,["n","d"],1],
          ["roll","kda.conv.k",0,["n","d"],1],["roll","kda.f?",0,["n","d"],1],
          ["roll","kda.f_b?",0,["n","d"],1],["roll","kda.dt_bias",0,["n","d"],1]
          """),
      Permutation(
        testDescription: "heads of latent attention", layers: "mla",
        steps: """
          ["roll","mla.q?",0,["nh","dn + dr"],0],["roll","mla.q_b?",0,["nh","dn + dr"],0],
          ["roll","mla.k_b",0,["nh","dn"],0],["roll","mla.v_b",0,["nh","dv"],0],
          ["roll","mla.gate?",0,["nh"],0],["roll","mla.o",1,["nh","dv"],0]
          """),
      Permutation(
        testDescription: "heads of M²RNN", layers: "m2rnn",
        steps: """
          ["roll","m2rnn.q",0,["Nq","K"],0],["roll","m2rnn.k",0,["Nk","K"],0],
          ["roll","m2rnn.v",0,["Nv","V"],0],["roll","m2rnn.f",0,["Nf"],0],
          ["roll","m2rnn.g",0,["Ng","V"],0],["roll","m2rnn.conv.q?",0,["Nq","K"],0],
          ["roll","m2rnn.conv.k?",0,["Nk","K"],0],["roll","m2rnn.conv.v?",0,["Nv","V"],0],
          ["roll","m2rnn.A_log",0,["N"],0],["roll","m2rnn.dt_bias",0,["N"],0],
          ["roll","m2rnn.W",0,["Nw"],0],["roll","m2rnn.D?",0,["N"],0],
          ["roll","m2rnn.norm?",0,["N","V"],0],["roll","m2rnn.o",1,["Ng","V"],0]
          """),
    ]

    /// Whether a base may have such layers, which is asked before it is opened.
    func mayBeIn(_ base: Base) -> Bool {
      let isKimi = base.fixture.contains("kimi_linear") || base.fixture.contains("bailing_hybrid")
      return ["dense", "moe"].contains(layers) || ["kda", "kda*", "mla"].contains(layers) == isKimi
    }

    /// The steps as a fault that is none.
    func fault() throws -> Fault {
      Fault(
        try JSONValue(
          parsing: Array(
            #"{"id":"equal","what":"equal","layers":"\#(layers)","do":[\#(steps)]}"#.utf8)))
    }
  }

  @Test(arguments: Permutation.all)
  func orderDoesNotMatter(_ permutation: Permutation) throws {
    var planted = 0
    for base in FaultCatalogue.bases
    where (base.layout == nil || planted == 0) && permutation.mayBeIn(base) {
      let sound = try SoundCheckpoint(base, isWhole: false)
      guard sound.canPermute(permutation.layers) else { continue }
      do {
        let planting = try Planting(permutation.fault(), in: sound)
        let opened = try OpenedModel(planting.copy.path, catalogue: .builtIn())
        let changes = try opened.valueChanges(in: sound.opened, threads: 1)
        #expect(!changes.layers.isEmpty, "\(base.name)")
        for gate in [Gate.f32, .bf16] {
          let report = try Verifier(Model(opened.canonical), gate: gate, threads: 1)
            .compare(with: sound.model, tokens: sound.tokens, changes: changes)
          #expect(
            report.passes, "\(base.name), \(gate.text): \(report.json.entries.suffix(4))")
        }
        planted += 1
      } catch is NotApplicable {
        continue
      }
    }
    #expect(planted > 0)
  }
}

extension SoundCheckpoint {
  /// Whether heads of each input may change places one for one: where M²RNN shares inputs among heads,
  /// or packed weights cannot be moved by rows, they may not.
  fileprivate func canPermute(_ layers: String) -> Bool {
    guard !base.name.contains("FP8") else { return false }
    // Experts of another group would be chosen with it.
    if layers == "moe" {
      return opened.configuration.layers.allSatisfy { $0.feedForward.choice.groups == 1 }
    }
    // Norms over all heads together would have to move with them.
    if layers == "attention", base.name.contains("olmo") { return false }
    return layers != "m2rnn"
      || opened.configuration.layers.allSatisfy {
        guard case .m2rnn(let m2rnn) = $0.mixer else { return true }
        return Set([
          m2rnn.queryHeads, m2rnn.keyHeads, m2rnn.valueHeads, m2rnn.forgetHeads, m2rnn.gateHeads,
          m2rnn.weightHeads,
        ]).isSubset(of: [1, m2rnn.heads]) && m2rnn.gateHeads == m2rnn.heads
      }
  }
}
