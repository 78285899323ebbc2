import Kernels

/// The loops of this module.
///
/// The module is compiled once per kind of processor from the same files, so nothing of it but this
/// is public, and none of its code may run before the processor is known to have the instructions.
public var loops: KernelSet {
  #if V4
    let name = "x86-64-v4"
  #elseif V3
    let name = "x86-64-v3"
  #else
    let name = "baseline"
  #endif
  return KernelSet(
    name: name,
    rows: RowKernels(
      activations: Activations.self, elementwise: Elementwise.self, norms: Norms.self,
      rotary: Rotary.self),
    products: ProductKernels(
      blocks: BlockFormatKernels(q8Zero: Q8Blocks.self, q4K: Q4KBlocks.self, q6K: Q6KBlocks.self),
      nibbles: Nibbles.self, dotProducts: DotProducts.self, matrixMultiply: MatrixMultiply.self,
      parts: Parts.self, widening: Widening.self),
    mixers: MixerKernels(
      attention: BlockAttention.self, convolution: Convolution.self, deltaRule: DeltaRule.self,
      channelDeltaRule: ChannelDeltaRule.self, matrixRecurrence: MatrixRecurrence.self,
      gradients: Gradients.self))
}
