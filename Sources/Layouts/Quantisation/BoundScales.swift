import Canonical

/// The scales of a quantised stored tensor, as layout and config prescribe them.
public struct BoundScales: Hashable, Sendable {
  /// The stored name.
  public let name: String
  /// The stored shape.
  public let shape: [Int]
  /// The size of a block.
  public let size: BlockSize
  /// Whether the config asks for one scale per tensor and not for blocks.
  public let isPerTensor: Bool
}
