/// Where everything of a weight file lies, known before the first tensor is written, so that tensors
/// can be written in any order and at the same time.
public struct WeightFilePlan: Sendable {
  /// Bytes around tensors, such as a header.
  struct Frame: Hashable, Sendable {
    let offset: Int
    let bytes: [UInt8]
  }

  /// The room for the data of a tensor.
  public struct Slot: Hashable, Sendable {
    /// - Units: bytes.
    public let offset: Int
    /// - Units: bytes.
    public let count: Int
    /// The CRC-32 of the bytes before the data that the same checksum covers; nil where the file keeps no
    /// checksums.
    let sum: UInt32?
  }

  /// The size of the file.
  /// - Units: bytes.
  public let count: Int
  /// The room of each tensor, in the order in which they were given.
  public let slots: [Slot]
  /// The bytes that are known before the tensors are; zeros lie between frames and slots.
  let frames: [Frame]
  /// The frames that hold the CRC-32 of tensors, made from these numbers; none where the file keeps no
  /// checksums.
  let ending: @Sendable ([UInt32]) -> [Frame]

  /// A plan from its parts.
  init(
    count: Int, slots: [Slot], frames: [Frame],
    ending: @escaping @Sendable ([UInt32]) -> [Frame] = { _ in [] }
  ) {
    self.count = count
    self.slots = slots
    self.frames = frames
    self.ending = ending
  }
}
