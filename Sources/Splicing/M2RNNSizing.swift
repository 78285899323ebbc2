import Canonical
import Diagnostics

/// Which M²RNN sizes take the place of a layer.
public struct M2RNNSizing: Hashable, Sendable {
  /// K, the head dim of queries and keys.
  public var keyDim = 64
  /// V, the head dim of values.
  public var valueDim = 16
  /// N, the number of heads; nil for the paper's rule.
  public var heads: Int?
  /// The taps of the convolution, 0 for none; nil for those of the replaced layer.
  public var taps: Int?

  /// The paper's sizes.
  public init() {}

  /// The most additional parameters for which heads are rounded up as in the paper's configs.
  private static let tolerance = 0.08
  /// What one layer may have; its values are made in memory.
  private static let mostParameters = 1 << 30
  /// The paper's configs have 84 and 132 heads: the next multiple of 12 above equal parameters.
  private static let multiple = 12

  /// The configuration of the new layer: one query and one key head shared by N heads of everything
  /// else, residual, silu, rmsnorm, a convolution as wide as that of the replaced layer unless given.
  ///
  /// Unless given, N is the number of heads with the nearest parameter count, rounded up to a
  /// multiple of 12 where that adds at most 8 %; this gives 84 and 132 in the paper's models.
  /// - Throws: `Problem` of kind `usage` for sizes that cannot be.
  public func configuration(replacing old: any ReplacedLayer, hidden: Int) throws -> M2RNN {
    guard keyDim > 0, valueDim > 0, heads.map({ $0 > 0 }) ?? true, keyDim <= 4096,
      valueDim <= 4096, heads ?? 1 <= 65536
    else {
      throw Problem(
        .usage, "the sizes of the M²RNN layer are out of range",
        expected: "head dims of 1 to 4096, at most 65536 heads",
        found: "K \(keyDim), V \(valueDim), N \(heads.map(String.init) ?? "by rule")",
        remedy: "choose other --k-head-dim, --v-head-dim or --heads")
    }
    let taps = taps ?? (old.taps > 0 ? old.taps : 4)
    let wanted = old.cost(hidden: hidden).parameters
    let count = heads ?? matchingHeads(wanted, hidden: hidden, taps: taps)
    let layer = make(heads: count, taps: taps)
    let parameters = layer.cost(hidden: hidden).parameters
    guard parameters <= Self.mostParameters else {
      throw Problem(
        .usage, "the M²RNN layer would be too large",
        expected: "at most \(Self.mostParameters) parameters", found: "\(parameters)",
        remedy: "choose smaller --k-head-dim, --v-head-dim or --heads")
    }
    return layer
  }

  private func matchingHeads(_ wanted: Int, hidden: Int, taps: Int) -> Int {
    func parameters(_ heads: Int) -> Int {
      make(heads: heads, taps: taps).cost(hidden: hidden).parameters
    }
    let perHead = parameters(2) - parameters(1)
    let exact = Double(wanted - parameters(1)) / Double(perHead) + 1
    let nearest = max(Int(exact.rounded()), 1)
    let rounded = max(Int((exact / Double(Self.multiple)).rounded(.up)), 1) * Self.multiple
    let growth = Double(parameters(rounded)) / Double(wanted) - 1
    return growth <= Self.tolerance ? rounded : nearest
  }

  private func make(heads: Int, taps: Int) -> M2RNN {
    var layer = M2RNN()
    layer.keyDim = keyDim
    layer.valueDim = valueDim
    layer.queryHeads = 1
    layer.keyHeads = 1
    layer.valueHeads = heads
    layer.forgetHeads = heads
    layer.gateHeads = heads
    layer.weightHeads = heads
    layer.hasResidual = true
    layer.taps = taps
    layer.activation = taps > 0 ? .silu : .identity
    layer.norm = .rmsnorm
    return layer
  }
}
