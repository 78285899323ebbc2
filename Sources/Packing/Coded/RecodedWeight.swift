import JSON

/// A weight in the parts of a library into which its codes are written.
public struct RecodedWeight: Sendable {
  /// The parts, the codes first.
  public let parts: [PackedPart]
  /// How it is packed.
  public let scheme: PackingScheme
  /// What the config of the library says of it.
  public let entry: JSONValue
}
