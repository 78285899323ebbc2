import Canonical
import GraftTestSupport
import Tensors

@testable import Runtime

/// Builds small models with random weights from the facts of their layers.
enum RandomModel {
  /// A model of the given layers, hidden width 24 and 50 tokens.
  ///
  /// Weights are small enough that a stack of layers stays tame and large enough to matter.
  static func make(
    _ layers: [Facts], model: Facts = [:], seed: UInt64 = 1, type: ScalarType = .f32
  ) throws -> CanonicalModel {
    var facts: Facts = [
      "vocabulary": .integer(50), "hidden": .integer(24), "layers": .integer(layers.count),
    ]
    facts.merge(model) { $1 }
    let full = layers.map { $0.merging(["mlp.intermediate": .integer(20)]) { a, _ in a } }
    let configuration = try ModelConfiguration(model: facts, layers: full)
    var generator = SeededGenerator(seed: seed)
    var tensors: [Role: CanonicalTensor] = [:]
    for role in roles(configuration) {
      let shape = try shape(role, configuration)
      let values = (0..<shape.reduce(1, *)).map { _ in generator.float() }
      tensors[role] = tensor(role, shape, values, type)
    }
    return CanonicalModel(configuration: configuration, tensors: tensors)
  }

  /// Scales values to what their role needs, and stores them.
  private static func tensor(
    _ role: Role, _ shape: [Int], _ values: [Float], _ type: ScalarType
  ) -> CanonicalTensor {
    let scale = shape.count == 2 ? 1.7 / Float(shape[1]).squareRoot() : 0.6
    let scaled = values.map { $0 * scale + (role.name.hasSuffix("norm") ? 0.8 : 0) }
    guard type != .f32, shape.count == 2 else {
      return CanonicalTensor(shape: shape, values: scaled, origin: role.description)
    }
    let bytes = OwnedBytes(count: values.count * 2)
    let target = bytes.mutableBytes.bindMemory(to: UInt16.self)
    for (index, value) in scaled.enumerated() {
      target[index] = type == .bf16 ? FloatBits.bf16(value) : FloatBits.f16(value)
    }
    return CanonicalTensor(
      shape: shape, type: type, region: ByteRegion(bytes), view: StridedView(contiguous: shape),
      origin: role.description)
  }

  private static func shape(_ role: Role, _ configuration: ModelConfiguration) throws -> [Int] {
    if role.name.hasSuffix("q_norm") || role.name.hasSuffix("k_norm"), let layer = role.layer,
      case .attention(let attention) = configuration.layers[layer].mixer
    {
      let heads = role.name.hasSuffix("q_norm") ? attention.heads : attention.kvHeads
      return [attention.headDim * (attention.qkNorm == .projection ? heads : 1)]
    }
    let symbols = configuration.symbols(layer: role.layer)
    return try (RoleShapes.shape(role.name) ?? []).map { try $0.value(symbols) }
  }

  private static func roles(_ configuration: ModelConfiguration) -> [Role] {
    var roles = ["embedding", "final_norm"].map { Role($0) }
    if configuration.norm == .layernorm { roles.append(Role("final_norm.bias")) }
    if !configuration.isTied { roles.append(Role("head")) }
    if configuration.position == .learned { roles.append(Role("positions")) }
    for (index, layer) in configuration.layers.enumerated() {
      var names = ["mixer_norm", "mlp_norm"]
      if configuration.norm == .layernorm { names += ["mixer_norm.bias", "mlp_norm.bias"] }
      names += mixerNames(layer.mixer)
      let (own, ofExperts) = feedForwardNames(layer.feedForward)
      roles += (names + own).map { Role($0, layer: index) }
      for expert in 0..<layer.feedForward.experts {
        roles += ofExperts.map { Role($0, layer: index, expert: expert) }
      }
    }
    return roles
  }

  private static func mixerNames(_ mixer: Mixer) -> [String] {
    switch mixer {
    case .attention(let attention):
      var names = ["q", "k", "v"] + (attention.hasGate ? ["gate"] : [])
      if attention.hasBias { names += names.map { $0 + ".bias" } }
      names += attention.hasOutputBias ? ["o", "o.bias"] : ["o"]
      if attention.qkNorm != .none { names += ["q_norm", "k_norm"] }
      return names.map { "attention." + $0 }
    case .gatedDeltaNet(let gdn):
      var names = ["q", "k", "v", "a", "b", "o", "A_log", "dt_bias", "norm"]
      if gdn.gate != .none { names.append("z") }
      if gdn.taps > 0 { names += ["conv.q", "conv.k", "conv.v"] }
      return names.map { "gdn." + $0 }
    case .m2rnn(let m2rnn):
      let inputs = ["q", "k", "v", "f", "g"]
      let taps = m2rnn.taps > 0 ? ["conv.q", "conv.k", "conv.v"] : []
      var names = inputs + taps + ["o", "A_log", "dt_bias", "W"]
      if m2rnn.hasBias { names += (inputs + taps).map { $0 + ".bias" } }
      if m2rnn.hasResidual { names.append("D") }
      if m2rnn.norm != nil { names.append("norm") }
      if m2rnn.norm == .layernorm { names.append("norm.bias") }
      if m2rnn.activation == .prelu { names.append("conv.slope") }
      return names.map { "m2rnn." + $0 }
    case .carried: return []
    }
  }

  private static func feedForwardNames(_ mlp: FeedForward) -> ([String], experts: [String]) {
    var parts = mlp.isGated ? ["gate", "up", "down"] : ["up", "down"]
    if mlp.hasBias { parts += parts.map { $0 + ".bias" } }
    var own = mlp.activation == .prelu ? ["mlp.slope"] : []
    guard mlp.kind == .moe else { return (own + parts.map { "mlp." + $0 }, []) }
    own.append("moe.router")
    if mlp.sharedIntermediate > 0 { own += parts.map { "shared." + $0 } }
    if mlp.hasSharedGate { own.append("shared.router") }
    return (own, parts.map { "expert." + $0 })
  }
}
