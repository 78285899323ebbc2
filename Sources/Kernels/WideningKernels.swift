/// Stored weights as F32 values; exact for every input.
public protocol WideningKernels: SendableMetatype {
  /// Copies F32 values from any address.
  static func f32(_ source: UnsafeRawPointer, count: Int, target: MutableFloats)

  /// Widens BF16 values.
  static func bf16(_ source: UnsafeRawPointer, count: Int, target: MutableFloats)

  /// Widens F16 values.
  static func f16(_ source: UnsafeRawPointer, count: Int, target: MutableFloats)
}
