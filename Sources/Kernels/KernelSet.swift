/// All loops over floats, compiled for one kind of processor.
public struct KernelSet: Sendable {
  /// What the processor must be able to do: `baseline`, or a level of the x86-64 psABI, with tiles or without.
  public private(set) var name: String

  /// The elementwise nonlinearities.
  public let activations: any ActivationKernels.Type
  /// Softmax attention.
  public let attention: any AttentionKernels.Type
  /// Weights in blocks of quantised values.
  public let blocks: BlockFormatKernels
  /// Convolutions before recurrences.
  public let convolution: any ConvolutionKernels.Type
  /// The recurrence of Gated DeltaNet.
  public let deltaRule: any DeltaRuleKernels.Type
  /// The recurrence of Kimi Delta Attention.
  public let channelDeltaRule: any ChannelDeltaRuleKernels.Type
  /// Matrix times vector.
  public let dotProducts: any DotProductKernels.Type
  /// Products and sums of rows.
  public let elementwise: any ElementwiseKernels.Type
  /// Gradients of a layer that is fitted.
  public let gradients: any GradientKernels.Type
  /// Matrix times matrix.
  public let matrixMultiply: any MatrixMultiplyKernels.Type
  /// The recurrence of M²RNN.
  public let matrixRecurrence: any MatrixRecurrenceKernels.Type
  /// Weights of 4-bit integers.
  public let nibbles: any NibbleKernels.Type
  /// Normalisation of rows.
  public let norms: any NormKernels.Type
  /// Rotary position embedding.
  public let rotary: any RotaryKernels.Type
  /// Floats as parts that tiles multiply.
  public let parts: any PartKernels.Type
  /// The tiles in which matrices are multiplied, where the processor has some.
  public private(set) var tileUnit: (any TileUnit.Type)?
  /// Stored weights as F32.
  public let widening: any WideningKernels.Type

  /// A set of the given implementations.
  public init(name: String, rows: RowKernels, products: ProductKernels, mixers: MixerKernels) {
    self.name = name
    (activations, elementwise) = (rows.activations, rows.elementwise)
    (norms, rotary) = (rows.norms, rows.rotary)
    (blocks, dotProducts) = (products.blocks, products.dotProducts)
    (nibbles, parts) = (products.nibbles, products.parts)
    (matrixMultiply, widening) = (products.matrixMultiply, products.widening)
    (attention, convolution) = (mixers.attention, mixers.convolution)
    (deltaRule, matrixRecurrence) = (mixers.deltaRule, mixers.matrixRecurrence)
    (channelDeltaRule, gradients) = (mixers.channelDeltaRule, mixers.gradients)
  }

  /// The same loops, with matrices multiplied in tiles.
  public func multiplying(in unit: any TileUnit.Type, name: String) -> KernelSet {
    var set = self
    (set.tileUnit, set.name) = (unit, name)
    return set
  }
}

/// Implementations of what is computed value by value or row by row.
public struct RowKernels {
  let activations: any ActivationKernels.Type
  let elementwise: any ElementwiseKernels.Type
  let norms: any NormKernels.Type
  let rotary: any RotaryKernels.Type

  /// The given implementations.
  public init(
    activations: any ActivationKernels.Type, elementwise: any ElementwiseKernels.Type,
    norms: any NormKernels.Type, rotary: any RotaryKernels.Type
  ) {
    (self.activations, self.elementwise) = (activations, elementwise)
    (self.norms, self.rotary) = (norms, rotary)
  }
}

/// Implementations of products with stored weights.
public struct ProductKernels {
  let blocks: BlockFormatKernels
  let nibbles: any NibbleKernels.Type
  let dotProducts: any DotProductKernels.Type
  let matrixMultiply: any MatrixMultiplyKernels.Type
  let parts: any PartKernels.Type
  let widening: any WideningKernels.Type

  /// The given implementations.
  public init(
    blocks: BlockFormatKernels, nibbles: any NibbleKernels.Type,
    dotProducts: any DotProductKernels.Type,
    matrixMultiply: any MatrixMultiplyKernels.Type, parts: any PartKernels.Type,
    widening: any WideningKernels.Type
  ) {
    (self.blocks, self.nibbles, self.dotProducts) = (blocks, nibbles, dotProducts)
    (self.matrixMultiply, self.parts, self.widening) = (matrixMultiply, parts, widening)
  }
}

/// Implementations of what mixes positions, and of its gradients.
public struct MixerKernels {
  let attention: any AttentionKernels.Type
  let convolution: any ConvolutionKernels.Type
  let deltaRule: any DeltaRuleKernels.Type
  let channelDeltaRule: any ChannelDeltaRuleKernels.Type
  let matrixRecurrence: any MatrixRecurrenceKernels.Type
  let gradients: any GradientKernels.Type

  /// The given implementations.
  public init(
    attention: any AttentionKernels.Type, convolution: any ConvolutionKernels.Type,
    deltaRule: any DeltaRuleKernels.Type, channelDeltaRule: any ChannelDeltaRuleKernels.Type,
    matrixRecurrence: any MatrixRecurrenceKernels.Type, gradients: any GradientKernels.Type
  ) {
    (self.attention, self.convolution, self.deltaRule) = (attention, convolution, deltaRule)
    (self.channelDeltaRule, self.matrixRecurrence) = (channelDeltaRule, matrixRecurrence)
    self.gradients = gradients
  }
}
