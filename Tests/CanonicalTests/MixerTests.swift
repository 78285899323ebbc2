import Diagnostics
import Testing

@testable import Canonical

/// What follows from the declarations of mixers.
struct MixerTests {
  private static func mixer(_ kind: String, _ facts: Facts = [:]) throws -> Mixer {
    try Mixer(facts.merging(["mixer": .word(kind)]) { $1 }, hidden: 8)
  }

  @Test(arguments: Mixer.known.map(\.kind))
  func everySizeOfATensorHasAValue(kind: String) throws {
    let mixer = try Self.mixer(kind)
    let known = try #require(Mixer.known.first { $0.kind == kind })
    #expect(mixer.kind == kind && mixer.isComputed && mixer.mark.count == 1)
    let symbols = mixer.symbols.merging(["H": 8]) { $1 }
    for size in known.roles.flatMap(\.shape) {
      #expect(throws: Never.self) { try size.value(symbols) }
    }
    #expect(known.facts.allSatisfy { $0.name.hasPrefix(kind + ".") })
    #expect(known.roles.allSatisfy { mixer.owns(Role($0.name)) && $0.scope == .layer })
    #expect(mixer.output.map { RoleTable[$0] != nil } ?? true)
  }

  @Test func marksAndKindsAreDistinct() throws {
    let mixers = try Mixer.known.map { try Self.mixer($0.kind) }
    #expect(Set(mixers.map(\.mark)).count == mixers.count)
    #expect(Set(mixers.map(\.kind)).count == mixers.count)
  }

  @Test func tensorsFollowFromFacts() throws {
    let plain = try Self.mixer("gdn")
    #expect(!plain.roleNames.contains("gdn.z") && !plain.roleNames.contains("gdn.conv.q"))
    let full = try Self.mixer("gdn", ["gdn.gate": .word("after_norm"), "gdn.taps": .integer(4)])
    #expect(Set(full.roleNames) == Set(RoleTable.all.map(\.name).filter { $0.hasPrefix("gdn.") }))
    #expect(full.output == "gdn.o")
  }

  /// A layout may put the value heads of one key head side by side or apart.
  @Test func valueHeadsStandAlongOneAxis() {
    let axes = RoleTable.all.filter { $0.heads != nil }.map { kind in
      "\(kind.name) \(kind.heads?.axis ?? 0) \(kind.heads?.width.map(\.text).joined() ?? "")"
    }
    #expect(
      axes.sorted() == [
        "gdn.A_log 0 ", "gdn.a 0 ", "gdn.b 0 ", "gdn.conv.v 0 dv", "gdn.dt_bias 0 ", "gdn.o 1 dv",
        "gdn.v 0 dv", "gdn.z 0 dv",
      ])
  }

  @Test(arguments: [(1, 4, false), (2, 2, false), (2, 4, true)])
  func theOrderOfHeadsMattersWhereSeveralShareOne(keys: Int, values: Int, matters: Bool) throws {
    let facts: Facts = ["gdn.k_heads": .integer(keys), "gdn.v_heads": .integer(values)]
    #expect(try Self.mixer("gdn", facts).ordersHeads == matters)
  }

  @Test func anUnknownKindIsCarried() throws {
    let mixer = try Self.mixer("hyena")
    #expect(mixer == .carried("hyena") && mixer.mark == "?" && !mixer.isComputed)
    #expect(mixer.values == ["mixer": .word("hyena"), "carried": .flag(true)])
    #expect(mixer.roleNames.isEmpty && mixer.output == nil && mixer.cost(hidden: 8) == nil)
  }

  /// Facts that decide nothing are told nowhere; defaults count as what they stand for.
  @Test(arguments: [
    ("m2rnn.gradient_clipping", FactValue.number(3), false),
    ("m2rnn.A_init_max", .number(3), false),
    ("m2rnn.residual", .flag(true), true), ("gdn.scale", .number(0.5), false),
    ("gdn.scale", .number(0.25), true), ("gdn.length_eps", .number(1e-6), false),
    ("gdn.norm_eps", .number(1e-5), false), ("gdn.norm_eps", .number(1e-3), true),
    ("attention.scale_rule", .word("given"), false), ("attention.scale_rule", .word("1/hd"), true),
    ("moe.router", .word("softmax_topk"), false), ("init.range", .number(1), false),
    ("rope.theta", .number(5), false), ("rope.factor", .number(5), false),
  ])
  func onlyFactsThatDecideTheFunctionCount(name: String, value: FactValue, decides: Bool) throws {
    func configuration(_ facts: Facts) throws -> ModelConfiguration {
      let layers: [Facts] = [
        ["mixer": .word("attention"), "attention.heads": .integer(2)],
        [
          "mixer": .word("gdn"), "gdn.k_heads": .integer(1), "gdn.v_heads": .integer(1),
          "gdn.k_head_dim": .integer(4), "gdn.v_head_dim": .integer(4),
        ],
        [
          "mixer": .word("m2rnn"), "m2rnn.k_head_dim": .integer(2), "m2rnn.v_head_dim": .integer(2),
          "m2rnn.q_heads": .integer(1), "m2rnn.k_heads": .integer(1), "m2rnn.v_heads": .integer(1),
          "m2rnn.f_heads": .integer(1), "m2rnn.g_heads": .integer(1),
          "m2rnn.weight_heads": .integer(1),
        ],
      ]
      let model: Facts = [
        "vocabulary": .integer(8), "hidden": .integer(8), "layers": .integer(3),
      ]
      return try ModelConfiguration(
        model: model.merging(facts) { $1 },
        layers: layers.map { layer in
          layer.merging(["mlp.intermediate": .integer(4)].merging(facts) { $1 }) { $1 }
        })
    }
    let changed = try configuration([name: value])
    let differences = try configuration([:]).disagreements(with: changed)
    #expect(!differences.isEmpty == decides, "\(differences)")
  }
}
