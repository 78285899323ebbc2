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

extension WeightFilePlan {
  /// A file of several files, one right behind the other.
  static func joined(_ parts: [WeightFilePlan]) -> WeightFilePlan {
    let places = places(parts)
    return WeightFilePlan(
      count: places.last?.upperBound ?? 0,
      slots: zip(parts, places).flatMap { part, place in
        part.slots.map {
          Slot(offset: $0.offset + place.lowerBound, count: $0.count, sum: $0.sum)
        }
      },
      frames: zip(parts, places).flatMap { $0.frames.moved(by: $1.lowerBound) }
    ) { sums in
      var rest = sums[...]
      return zip(parts, places).flatMap { part, place in
        defer { rest = rest.dropFirst(part.slots.count) }
        return part.ending(Array(rest.prefix(part.slots.count))).moved(by: place.lowerBound)
      }
    }
  }

  /// Where each of several files lies that stand one right behind the other.
  /// - Units: bytes.
  static func places(_ parts: [WeightFilePlan]) -> [Range<Int>] {
    var end = 0
    return parts.map { part in
      defer { end += part.count }
      return end..<end + part.count
    }
  }

  /// All bytes of a small file.
  func bytes(_ tensors: [[UInt8]] = []) -> [UInt8] {
    let data = zip(slots, tensors).map { Frame(offset: $0.offset, bytes: $1) }
    let sums = zip(slots, tensors).map { slot, bytes in
      bytes.withUnsafeBytes { Checksum.crc32($0, after: slot.sum ?? 0) }
    }
    var bytes = [UInt8](repeating: 0, count: count)
    for frame in frames + data + ending(sums) {
      bytes.replaceSubrange(frame.offset..<frame.offset + frame.bytes.count, with: frame.bytes)
    }
    return bytes
  }
}

extension [WeightFilePlan.Frame] {
  fileprivate func moved(by distance: Int) -> [WeightFilePlan.Frame] {
    map { .init(offset: $0.offset + distance, bytes: $0.bytes) }
  }
}
