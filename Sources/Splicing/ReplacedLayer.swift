import Canonical
import LinearAlgebra

/// A layer whose place an M²RNN layer can take: heads that write `k vᵀ` into a matrix and forget.
public protocol ReplacedLayer: Sendable {
  /// The number of taps of the convolution; 0 for none.
  var taps: Int { get }
  /// The channels of all queries, and of all keys.
  var keyChannels: Int { get }
  /// The heads of values, each with a state of its own.
  var valueHeads: Int { get }
  /// The channels of one head of values.
  var valueDim: Int { get }

  /// The cost of the layer in a model of the given width.
  func cost(hidden: Int) -> LayerCost

  /// The rows that give the output gate, one for each channel of values; nil for a layer without.
  /// - Throws: `Problem` where a tensor is absent or cannot be computed with.
  func gateRows(_ tensors: ReplacedTensors) throws -> Matrix?

  /// How much each head of values forgets.
  /// - Throws: `Problem` where a tensor is absent or cannot be computed with.
  func forgetGates(_ tensors: ReplacedTensors) throws -> ForgetGates
}

/// Decays `exp(-exp(A_log) · softplus(rows · x + bias))`, one for each head.
public struct ForgetGates: Sendable {
  /// `[heads, H]`
  var rows: Matrix
  /// `[heads, 1]`
  var logA: Matrix
  /// `[heads, 1]`
  var bias: Matrix
}

extension ReplacedLayer {
  /// The channels of all values.
  var valueChannels: Int { valueHeads * valueDim }
}

extension Mixer {
  /// What an M²RNN layer can take the place of; nil for a mixer of another kind.
  public var replaced: (any ReplacedLayer)? {
    switch self {
    case .gatedDeltaNet(let mixer): mixer
    case .kda(let mixer): mixer
    default: nil
    }
  }
}

extension GatedDeltaNet: ReplacedLayer {
  /// The channels of all queries, and of all keys.
  public var keyChannels: Int { keyHeads * keyDim }

  /// The rows of z.
  public func gateRows(_ tensors: ReplacedTensors) throws -> Matrix? {
    gate == .none ? nil : try tensors.matrix("z", valueChannels, tensors.H)
  }

  /// The formula of the decay is that of M²RNN: its values stay.
  public func forgetGates(_ tensors: ReplacedTensors) throws -> ForgetGates {
    ForgetGates(
      rows: try tensors.matrix("a", valueHeads, tensors.H),
      logA: try tensors.matrix("A_log", valueHeads, 1),
      bias: try tensors.matrix("dt_bias", valueHeads, 1))
  }
}
