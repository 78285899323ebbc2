import Canonical
import Layouts

/// What keeps layers of Gated DeltaNet from being layers of Kimi Delta Attention with one decay for all channels of a
/// head, in a layout that has such layers.
struct ChannelDecay: Sendable {
  /// The fact, what a layer has and what it would need, for each obstacle.
  private let obstacles: [(fact: String, here: FactValue, needed: FactValue)]

  /// - Returns: nil where the layout has no such layers or the model none to become one.
  init?(_ model: ModelConfiguration, in layout: Layout) {
    let layers = model.layers.compactMap { layer -> GatedDeltaNet? in
      if case .gatedDeltaNet(let mixer) = layer.mixer { mixer } else { nil }
    }
    guard layout.stores("kda"), let first = layers.first else { return nil }
    obstacles = first.obstacles + first.asChannels.obstacles(in: layout)
  }

  /// What a layer of the row would have to be; nil for other layers and where nothing is in the way but the words.
  func needed(in row: LayoutComparison.Row) -> String? {
    guard speaks(of: row) else { return nil }
    return "kda, which gdn is with "
      + obstacles.map { "\($0.fact) \($0.needed.text)" }.joined(separator: ", ")
  }

  /// What a layer of the row has in its place; nil as above.
  func found(in row: LayoutComparison.Row) -> String? {
    guard speaks(of: row) else { return nil }
    return " with " + obstacles.map { "\($0.fact) \($0.here.text)" }.joined(separator: ", ")
  }

  private func speaks(of row: LayoutComparison.Row) -> Bool {
    row.fact == "mixer" && row.here == .word("gdn") && !obstacles.isEmpty
  }
}

extension GatedDeltaNet {
  /// The facts that Kimi Delta Attention does not have.
  fileprivate var obstacles: [(fact: String, here: FactValue, needed: FactValue)] {
    let scale = 1 / Double(keyDim).squareRoot()
    let facts: [(fact: String, here: FactValue, needed: FactValue)] = [
      ("gdn.gate", .word(gate.rawValue), .word(Gate.afterNorm.rawValue)),
      ("gdn.gate_activation", .word(gateActivation.rawValue), .word(Activation.sigmoid.rawValue)),
      ("gdn.v_head_dim", .integer(valueDim), .integer(keyDim)),
      ("gdn.scale", .number(queryScale), .number(scale)),
      ("gdn.negative_eigenvalues", .flag(allowsNegativeEigenvalues), .flag(false)),
    ]
    return facts.filter { !$0.here.means($0.needed) }
  }

  /// The same layer with the decay of a head for each of its channels.
  fileprivate var asChannels: KimiDeltaAttention {
    var mixer = KimiDeltaAttention()
    (mixer.heads, mixer.headDim, mixer.taps) = (valueHeads, keyDim, taps)
    (mixer.activation, mixer.lengthEpsilon) = (activation, lengthEpsilon)
    return mixer
  }
}

extension KimiDeltaAttention {
  /// The facts that layers of a layout have in another way.
  fileprivate func obstacles(in layout: Layout) -> [(
    fact: String, here: FactValue, needed: FactValue
  )] {
    let facts: [(fact: String, here: FactValue)] = [
      ("kda.activation", .word(activation.rawValue)), ("kda.low_rank", .flag(isLowRank)),
      ("kda.safe_gate", .flag(hasSafeGate)),
    ]
    return facts.compactMap { fact, here in
      guard let needed = layout.layerSemantics[fact], !here.means(needed) else { return nil }
      return (fact, here, needed)
    }
  }
}
