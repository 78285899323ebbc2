import Canonical
import Layouts
import Tensors

/// Models with seeded random options and values, for laws that must hold for every model.
public enum GeneratedModel {
  /// The facts of a random model that the lm-engine layout can hold.
  public static func configuration(seed: UInt64) throws -> ModelConfiguration {
    var generator = SeededGenerator(seed: seed)
    let layers = pick(1...4, &generator)
    var model = try modelFacts(&generator)
    model["layers"] = .integer(layers)
    return try ModelConfiguration(
      model: model,
      layers: (0..<layers).map { _ in
        mixer(&generator).merging(feedForward(&generator)) { $1 }
      })
  }

  private static func modelFacts(_ generator: inout SeededGenerator) throws -> Facts {
    var model: Facts = [
      "vocabulary": .integer(pick(5...20, &generator)),
      "hidden": .integer(2 * pick(2...6, &generator)),
      "positions": .integer(pick(4...9, &generator)),
      "tied": .flag(Bool.random(using: &generator)),
      "norm": .word(any(["rmsnorm", "layernorm"], &generator)),
      "norm.eps": .number(any([1e-5, 1e-6, 0.3], &generator)),
      "position": .word(any(["none", "learned", "rope"], &generator)),
      "rope.dim": .integer(2), "rope.side": .word("last"),
      "rope.theta": .number(any([10_000, 500_000], &generator)),
      "embedding.scale": .number(any([1, 12], &generator)),
      "logits.divisor": .number(any([1, 8], &generator)),
      "residual.scale": .number(any([1, 0.22], &generator)),
      "init.depth_scaled": .flag(Bool.random(using: &generator)),
    ]
    if Bool.random(using: &generator) {
      model.merge([
        "rope.scaling": .word("yarn"), "rope.factor": .number(4),
        "rope.original_positions": .integer(32),
      ]) { $1 }
    }
    return model
  }

  /// The random model of a seed as a layout holds it: what the layout cannot say is lost.
  ///
  /// - Returns: nil where nothing sensible is left.
  public static func configuration(seed: UInt64, in layout: Layout) throws -> ModelConfiguration? {
    if layout.inspectOnly != nil { return nil }
    if layout.id == "lm-engine" { return try configuration(seed: seed) }
    var generator = SeededGenerator(seed: seed)
    let (attention, gdn) = (attention(&generator), gatedDeltaNet(&generator))
    var model = try modelFacts(&generator)
    model["position"] = .word("rope")
    model["rope.fraction"] = share(of: attention, model, any([0.5, 1], &generator))
    model["rope.dim"] = .integer(0)
    model["norm"] = .word("rmsnorm")
    model["rope.sections"] = .word(any(["1,1,1", "2,1", "3,2,1"], &generator))
    let interval = pick(1...4, &generator)
    let hasM2RNN = layout.tensors.flatMap(\.parts).contains { $0.role.hasPrefix("m2rnn.") }
    let layers = (0..<pick(1...4, &generator)).map { layer in
      let linear = hasM2RNN && pick(0...2, &generator) == 0 ? m2rnn(&generator) : gdn
      return ((layer + 1) % interval == 0 ? attention : linear)
        .merging(feedForward(&generator)) { $1 }
    }
    model["layers"] = .integer(layers.count)
    let wanted = try ModelConfiguration(model: model, layers: layers)
    let held = try? layout.configuration(from: layout.writtenConfig(wanted))
    guard let held, layout.unsaid(held).isEmpty else { return nil }
    return try layout.configuration(from: layout.writtenConfig(held))
  }

  /// The share of a head that is rotated; all of it where YaRN would rotate an odd number of dims.
  private static func share(of attention: Facts, _ model: Facts, _ wanted: Double) -> FactValue {
    let headDim = attention["attention.head_dim"]?.json.int ?? 0
    let isOdd = Int(Double(headDim) * wanted) % 2 != 0
    return .number(isOdd && model["rope.scaling"] == .word("yarn") ? 1 : wanted)
  }

  /// A model of this configuration with random values that BF16 holds, for which every step is exact.
  public static func model(_ configuration: ModelConfiguration, _ layout: Layout, seed: UInt64)
    throws -> CanonicalModel
  {
    var generator = SeededGenerator(seed: seed)
    var tensors: [Role: CanonicalTensor] = [:]
    for part in try LayoutBinding(layout, configuration).tensors.flatMap(\.parts) {
      let values = (0..<part.shape.reduce(1, *)).map { _ in value(&generator) }
      tensors[part.role] = CanonicalTensor(shape: part.shape, values: values, origin: "random")
    }
    return CanonicalModel(configuration: configuration, tensors: tensors)
  }

  private static func value(_ generator: inout SeededGenerator) -> Float {
    let value = FloatBits.float(bf16: FloatBits.bf16(generator.float()))
    return abs(value) < 0x1p-12 ? 0.5 : value
  }

  private static func mixer(_ generator: inout SeededGenerator) -> Facts {
    switch pick(0...2, &generator) {
    case 0: return attention(&generator)
    case 1: return gatedDeltaNet(&generator)
    default: return m2rnn(&generator)
    }
  }

  private static func attention(_ generator: inout SeededGenerator) -> Facts {
    let kvHeads = pick(1...3, &generator)
    let hasBias = Bool.random(using: &generator)
    return [
      "mixer": .word("attention"), "attention.kv_heads": .integer(kvHeads),
      "attention.heads": .integer(kvHeads * pick(1...3, &generator)),
      "attention.head_dim": .integer(2 * pick(1...3, &generator)),
      "attention.bias": .flag(hasBias), "attention.o_bias": .flag(hasBias),
      "attention.gate": .flag(Bool.random(using: &generator)),
      "attention.exclusive": .flag(Bool.random(using: &generator)),
      "attention.window": any([.none, .integer(1), .integer(5)], &generator),
      "attention.scale_rule": .word(any(["1/sqrt(hd)", "1/hd"], &generator)),
    ]
  }

  private static func gatedDeltaNet(_ generator: inout SeededGenerator) -> Facts {
    let keyHeads = pick(1...3, &generator)
    return [
      "mixer": .word("gdn"), "gdn.k_heads": .integer(keyHeads),
      "gdn.v_heads": .integer(keyHeads * pick(1...3, &generator)),
      "gdn.k_head_dim": .integer(pick(1...5, &generator)),
      "gdn.v_head_dim": .integer(pick(1...5, &generator)),
      "gdn.taps": .integer(pick(1...4, &generator)),
      "gdn.gate": .word(any(["none", "before_norm"], &generator)),
      "gdn.scale": any([.none, .number(0.5)], &generator),
      "gdn.negative_eigenvalues": .flag(Bool.random(using: &generator)),
    ]
  }

  private static func m2rnn(_ generator: inout SeededGenerator) -> Facts {
    let heads = any([1, 2, 4, 6], &generator)
    let divisors = (1...heads).filter { heads % $0 == 0 }
    let taps = pick(0...4, &generator)
    let activation = any(["silu", "identity", "prelu", "gelu_tanh"], &generator)
    var facts: Facts = [
      "mixer": .word("m2rnn"), "m2rnn.k_head_dim": .integer(pick(1...5, &generator)),
      "m2rnn.v_head_dim": .integer(pick(1...5, &generator)), "m2rnn.taps": .integer(taps),
      "m2rnn.activation": .word(taps == 0 ? "identity" : activation),
      "m2rnn.bias": .flag(Bool.random(using: &generator)),
      "m2rnn.residual": .flag(Bool.random(using: &generator)),
      "m2rnn.norm": any([.none, .word("rmsnorm"), .word("layernorm")], &generator),
      "m2rnn.v_heads": .integer(heads), "m2rnn.g_heads": .integer(heads),
      "m2rnn.gradient_clipping": any([.none, .number(1), .number(0.5)], &generator),
      "m2rnn.A_init_max": .number(any([16, 4.5], &generator)),
    ]
    for name in ["q", "k", "f", "weight"] {
      facts["m2rnn.\(name)_heads"] = .integer(any(divisors, &generator))
    }
    return facts
  }

  private static func feedForward(_ generator: inout SeededGenerator) -> Facts {
    var facts: Facts = [
      "mlp.intermediate": .integer(pick(1...5, &generator)),
      "mlp.activation": .word(any(["silu", "gelu", "prelu", "relu"], &generator)),
      "mlp.gated": .flag(true), "mlp.bias": .flag(Bool.random(using: &generator)),
    ]
    if Bool.random(using: &generator) {
      facts["mlp.gated"] = .flag(false)
      facts["mlp.activation"] = .word(any(["relu_squared", "tanh_shrink", "prelu"], &generator))
    }
    guard Bool.random(using: &generator) else { return facts }
    let experts = pick(1...4, &generator)
    let shared = pick(0...3, &generator)
    return facts.merging([
      "mlp": .word("moe"), "moe.experts": .integer(experts),
      "moe.experts_per_token": .integer(pick(1...experts, &generator)),
      "moe.router": .word(any(["topk_softmax", "softmax_topk"], &generator)),
      "moe.shared_intermediate": .integer(shared),
      "moe.shared_gate": .flag(shared > 0 && Bool.random(using: &generator)),
    ]) { $1 }
  }

  private static func pick(_ range: ClosedRange<Int>, _ generator: inout SeededGenerator) -> Int {
    Int.random(in: range, using: &generator)
  }

  private static func any<Value>(_ values: [Value], _ generator: inout SeededGenerator) -> Value {
    values[Int.random(in: values.indices, using: &generator)]
  }
}
