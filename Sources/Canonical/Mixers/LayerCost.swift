/// What a mixer or a feed-forward block costs to hold and to run.
public struct LayerCost: Hashable, Sendable {
  /// The learned values.
  public var parameters: Int
  /// The values of the recurrent state of one sequence that do not grow with its length; for M²RNN
  /// and GDN the matrix states the paper counts.
  public var stateValues: Int
  /// The values of the convolution tail of one sequence.
  public var convolutionValues: Int
  /// The values by which the state grows with each position (the KV cache of attention).
  public var stateValuesPerPosition: Int
  /// The arithmetic of one token, attention scores left out.
  /// - Units: floating-point operations.
  public var flopsPerToken: Int

  /// The sum of two costs.
  public static func + (a: LayerCost, b: LayerCost) -> LayerCost {
    LayerCost(
      parameters: a.parameters + b.parameters, stateValues: a.stateValues + b.stateValues,
      convolutionValues: a.convolutionValues + b.convolutionValues,
      stateValuesPerPosition: a.stateValuesPerPosition + b.stateValuesPerPosition,
      flopsPerToken: a.flopsPerToken + b.flopsPerToken)
  }

  /// No cost.
  public static let zero = LayerCost(
    parameters: 0, stateValues: 0, convolutionValues: 0, stateValuesPerPosition: 0,
    flopsPerToken: 0)
}

extension Mixer {
  /// The cost of the mixer in a model of the given width; nil for a mixer that is only carried.
  public func cost(hidden: Int) -> LayerCost? {
    switch self {
    case .attention(let mixer): mixer.cost(hidden: hidden)
    case .gatedDeltaNet(let mixer): mixer.cost(hidden: hidden)
    case .m2rnn(let mixer): mixer.cost(hidden: hidden)
    case .carried: nil
    }
  }
}

extension Attention {
  /// The cost of the mixer in a model of the given width.
  public func cost(hidden: Int) -> LayerCost {
    let rows = (heads * (hasGate ? 2 : 1) + 2 * kvHeads) * headDim
    let weights = rows * hidden + hidden * heads * headDim
    let norms = qkNorm == .none ? 0 : (symbols["qn"] ?? 0) + (symbols["kn"] ?? 0)
    return LayerCost(
      parameters: weights + (hasBias ? rows : 0) + (hasOutputBias ? hidden : 0) + norms,
      stateValues: 0, convolutionValues: 0,
      stateValuesPerPosition: 2 * kvHeads * headDim, flopsPerToken: 2 * weights)
  }
}

extension GatedDeltaNet {
  /// The cost of the mixer in a model of the given width.
  ///
  /// Recurrence: decay, `kᵀS`, rank-one update and `qᵀS` take 7 operations per state value.
  public func cost(hidden: Int) -> LayerCost {
    let values = valueHeads * valueDim
    let rows = channels + 2 * valueHeads + (gate == .none ? 0 : values)
    let weights = (rows + values) * hidden
    let state = valueHeads * keyDim * valueDim
    return LayerCost(
      parameters: weights + channels * taps + 2 * valueHeads + valueDim, stateValues: state,
      convolutionValues: max(taps - 1, 0) * channels, stateValuesPerPosition: 0,
      flopsPerToken: 2 * weights + 2 * channels * taps + 7 * state)
  }
}

extension M2RNN {
  /// The cost of the mixer in a model of the given width.
  ///
  /// Recurrence: `S W` takes 2V operations per state value; `k vᵀ`, tanh, the gate and `qᵀS` 8 more.
  public func cost(hidden: Int) -> LayerCost {
    let rows = channels + forgetHeads + gateHeads * valueDim
    let weights = rows * hidden + hidden * gateHeads * valueDim
    let values = heads * valueDim
    let state = heads * keyDim * valueDim
    let biases = hasBias ? rows + (taps > 0 ? channels : 0) : 0
    let norms = norm == nil ? 0 : norm == .layernorm ? 2 * values : values
    return LayerCost(
      parameters: weights + channels * taps + biases + 2 * heads
        + weightHeads * valueDim * valueDim + (hasResidual ? values : 0) + norms
        + (activation == .prelu ? 1 : 0),
      stateValues: state, convolutionValues: max(taps - 1, 0) * channels,
      stateValuesPerPosition: 0,
      flopsPerToken: 2 * weights + 2 * channels * taps + (2 * valueDim + 8) * state)
  }
}

extension FeedForward {
  /// The cost of the block in a model of the given width.
  public func cost(hidden: Int) -> LayerCost {
    let matrices = isGated ? 3 : 2
    let one = matrices * hidden * intermediate
    let shared = matrices * hidden * sharedIntermediate
    let slope = activation == .prelu ? 1 : 0
    func biases(_ width: Int) -> Int { hasBias ? (isGated ? 2 : 1) * width + hidden : 0 }
    guard kind == .moe else {
      return LayerCost(
        parameters: one + biases(intermediate) + slope, stateValues: 0, convolutionValues: 0,
        stateValuesPerPosition: 0, flopsPerToken: 2 * one)
    }
    let routers = hidden * (experts + (hasSharedGate ? 1 : 0))
    let sharedBiases = sharedIntermediate > 0 ? biases(sharedIntermediate) : 0
    return LayerCost(
      parameters: experts * (one + biases(intermediate)) + shared + sharedBiases + routers + slope,
      stateValues: 0, convolutionValues: 0, stateValuesPerPosition: 0,
      flopsPerToken: 2 * (expertsPerToken * one + shared + routers))
  }
}
