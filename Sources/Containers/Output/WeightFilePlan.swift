/// Where everything of a weight file lies, known before the first tensor is written, so that tensors
/// can be written in any order and at the same time.
public struct WeightFileLayout: Sendable {
  /// Bytes that are not a tensor's.
  struct Piece: Hashable, Sendable {
    let offset: Int
    let bytes: [UInt8]
  }

  /// Where the data of a tensor lie.
  public struct Place: Hashable, Sendable {
    /// - Units: bytes.
    public let offset: Int
    /// - Units: bytes.
    public let count: Int
    /// The CRC-32 of what belongs to the same entry and stands before; nil where none is kept.
    let sum: UInt32?
  }

  /// The size of the file.
  /// - Units: bytes.
  public let count: Int
  /// The place of each tensor, in the order in which they were given.
  public let places: [Place]
  /// What is known beforehand; zeros lie where there is nothing.
  let pieces: [Piece]
  /// What depends on the CRC-32 of the tensors, where these are kept.
  let ending: @Sendable ([UInt32]) -> [Piece]

  /// A layout from its parts.
  init(
    count: Int, places: [Place], pieces: [Piece],
    ending: @escaping @Sendable ([UInt32]) -> [Piece] = { _ in [] }
  ) {
    self.count = count
    self.places = places
    self.pieces = pieces
    self.ending = ending
  }
}
