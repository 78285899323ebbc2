/// Why a packed weight cannot be written in another form with the same values.
public struct RecodingObstacle: Error, Hashable {
  /// What the other form would need.
  public let expected: String
  /// What the weight has.
  public let found: String

  /// An obstacle in words.
  public init(_ expected: String, _ found: String) {
    (self.expected, self.found) = (expected, found)
  }
}
