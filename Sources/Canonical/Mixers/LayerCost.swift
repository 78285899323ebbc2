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
