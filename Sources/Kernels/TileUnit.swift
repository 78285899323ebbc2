/// The processor's tiles of BF16.
///
/// A thread has the sums of one band and one panel in them, and adds one step after the other. Each sum of a
/// step is that of its even columns plus that of its odd ones, both in F32 and rounded to nearest. Numbers
/// below the least normal one, 2⁻¹²⁶, count as zero.
public protocol TileUnit: SendableMetatype {
  /// Makes the tiles of this thread ready.
  static func begin()

  /// Gives them back.
  static func end()

  /// Loads the sums of a band and of one or both tiles of a panel.
  /// - Shape: `sums` `[band, panel]`.
  static func load(_ sums: MutableFloats, columns: Int)

  /// Adds the products of one part of a band with the first parts of a panel in one step.
  static func multiply(
    _ band: UnsafeRawPointer, _ panel: UnsafeRawPointer, parts: Int, columns: Int)

  /// Stores what was loaded and added to.
  static func store(_ sums: MutableFloats, columns: Int)
}
