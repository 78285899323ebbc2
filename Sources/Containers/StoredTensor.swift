import Diagnostics
import Packing
import Tensors

/// A tensor as it lies in a file: its name and type there, and its bytes, not yet read.
///
/// A class, because lists of hundreds of thousands are copied and searched: a reference is counted
/// once, the parts of a value would be counted one by one.
public final class StoredTensor: Sendable {
  /// The name in the file.
  public let name: String
  /// The type of the elements.
  public let type: ScalarType
  /// The extents, outermost first; empty for a scalar.
  public let shape: [Int]
  /// The bytes, little-endian and row-major.
  public let region: ByteRegion
  /// The name of the file, for messages.
  public let file: String
  /// The packed weight whose values these are; nil for a tensor that lies in the file as it is.
  public let packed: (any PackedWeight)?

  /// Describes a tensor whose bytes fit its type and shape.
  public init(
    name: String, type: ScalarType, shape: [Int], region: ByteRegion, file: String,
    packed: (any PackedWeight)? = nil
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.region = region
    self.file = file
    self.packed = packed
  }

  /// The values of a packed weight, as a tensor that stands in the place of its parts.
  public convenience init(_ packed: any PackedWeight, name: String, file: String) {
    self.init(
      name: name, type: .f32, shape: packed.shape, region: packed.unpacked, file: file,
      packed: packed)
  }

  /// The same tensor under another name.
  public func named(_ name: String) -> StoredTensor {
    StoredTensor(
      name: name, type: type, shape: shape, region: region, file: file, packed: packed)
  }

  /// The first rows of a tensor that has more.
  func rows(_ count: Int) -> StoredTensor {
    let size = byteCount / max(shape[0], 1) * count
    let start = region.range.lowerBound
    return StoredTensor(
      name: name, type: type, shape: [count] + shape.dropFirst(),
      region: ByteRegion(region.storage, start..<start + size), file: file)
  }

  /// The number of elements.
  public var elementCount: Int { TensorShape.elementCount(shape) ?? 0 }

  /// The number of bytes.
  public var byteCount: Int { region.count }
}

/// The rules for the names that files give to tensors and to other files.
enum StoredName {
  /// Refuses a tensor name that cannot be shown, listed or written elsewhere.
  static func checkTensor(_ name: String) throws {
    if name.isEmpty { throw Problem(.invalid, "a tensor without a name", tensor: "") }
    try refuseControls(name, "a tensor name")
  }

  /// Refuses a metadata key that cannot be shown or written elsewhere.
  static func checkKey(_ key: String) throws {
    if key.isEmpty { throw Problem(.invalid, "a metadata value without a key") }
    try refuseControls(key, "a metadata key")
  }

  /// The name of a file as an index gives it, perhaps as a path in its own directory.
  static func file(_ text: String) throws -> String {
    let name = text.hasPrefix("./") ? String(text.dropFirst(2)) : text
    try checkFile(name)
    return name
  }

  /// Refuses a file name that could lead out of the directory.
  static func checkFile(_ name: String) throws {
    try refuseControls(name, "a file name")
    guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")),
      !name.utf8.contains(UInt8(ascii: "\\"))
    else {
      throw Problem(
        .invalid, "a file name that may leave the directory",
        expected: "the name of a file in the same directory", found: "\"\(name)\"")
    }
  }

  private static func refuseControls(_ name: String, _ what: String) throws {
    guard let byte = name.utf8.first(where: { $0 == 0 || $0 == 0x0a || $0 == 0x0d }) else { return }
    throw Problem(
      .invalid, "\(what) with a control character", expected: "no NUL and no line end",
      found: byte == 0 ? "NUL" : "a line end")
  }
}
