/// Rows of 4-bit integers, low half of a byte first, of which groups of neighbours share a scale and a bias.
///
/// ```
/// value = scale · (q - zero) + bias
/// ```
public protocol NibbleKernels: SendableMetatype {
  /// Multiplies four rows with a vector.
  /// - Shape: `x` `[group · groups]` as `DotProductKernels.split` leaves it, `result` `[4]`.
  /// - Precondition: the group is a multiple of 32.
  static func dot(
    _ x: Floats, _ rows: (NibbleRow, NibbleRow, NibbleRow, NibbleRow), _ shape: NibbleShape,
    result: MutableFloats)
}

/// One row of 4-bit integers.
public struct NibbleRow {
  /// The codes.
  public let codes: UnsafeRawPointer
  /// The scales of its groups.
  public let scales: UnsafeRawPointer
  /// The biases of its groups; none for those that have none.
  public let biases: UnsafeRawPointer?

  /// A row from its parts.
  @inlinable
  public init(
    codes: UnsafeRawPointer, scales: UnsafeRawPointer, biases: UnsafeRawPointer?
  ) {
    (self.codes, self.scales, self.biases) = (codes, scales, biases)
  }
}

/// What rows of 4-bit integers have in common.
public struct NibbleShape: Sendable {
  /// The type of scales and biases.
  public enum Scale: Sendable { case f32, bf16, f16 }

  /// The values of a group.
  public let group: Int
  /// The groups of a row.
  public let groups: Int
  /// The code that stands for zero.
  public let zero: Int
  /// The type of scales and biases.
  public let scale: Scale

  /// A shape from its parts.
  @inlinable
  public init(group: Int, groups: Int, zero: Int, scale: Scale) {
    (self.group, self.groups, self.zero, self.scale) = (group, groups, zero, scale)
  }
}
