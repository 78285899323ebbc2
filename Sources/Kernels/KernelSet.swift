/// All loops over floats, compiled for one kind of processor.
public struct KernelSet: Sendable {
  /// What the processor must be able to do: `baseline`, or a level of the x86-64 psABI.
  public let name: String

  /// The elementwise nonlinearities.
  public let activations: any ActivationKernels.Type
  /// Softmax attention.
  public let attention: any AttentionKernels.Type
  /// Weights in blocks of quantised values.
  public let blocks: any BlockKernels.Type
  /// Convolutions before recurrences.
  public let convolution: any ConvolutionKernels.Type
  /// The recurrence of Gated DeltaNet.
  public let deltaRule: any DeltaRuleKernels.Type
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
  /// Normalisation of rows.
  public let norms: any NormKernels.Type
  /// Rotary position embedding.
  public let rotary: any RotaryKernels.Type
  /// Stored weights as F32.
  public let widening: any WideningKernels.Type

  /// A set of the given implementations.
  public init(
    name: String, activations: any ActivationKernels.Type, attention: any AttentionKernels.Type,
    blocks: any BlockKernels.Type, convolution: any ConvolutionKernels.Type,
    deltaRule: any DeltaRuleKernels.Type,
    dotProducts: any DotProductKernels.Type, elementwise: any ElementwiseKernels.Type,
    gradients: any GradientKernels.Type,
    matrixMultiply: any MatrixMultiplyKernels.Type,
    matrixRecurrence: any MatrixRecurrenceKernels.Type, norms: any NormKernels.Type,
    rotary: any RotaryKernels.Type, widening: any WideningKernels.Type
  ) {
    self.name = name
    self.activations = activations
    self.attention = attention
    self.blocks = blocks
    self.convolution = convolution
    self.deltaRule = deltaRule
    self.dotProducts = dotProducts
    self.elementwise = elementwise
    self.gradients = gradients
    self.matrixMultiply = matrixMultiply
    self.matrixRecurrence = matrixRecurrence
    self.norms = norms
    self.rotary = rotary
    self.widening = widening
  }
}
