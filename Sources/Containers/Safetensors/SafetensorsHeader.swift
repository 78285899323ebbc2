import Diagnostics
import Tensors

/// The header of a safetensors file: which tensor lies where in the data that follows it.
///
/// ```
/// 0        8                8+n                          end of file
/// | n, u64 | JSON, n bytes  | tensor 0 | tensor 1 | …    |
///            {"__metadata__":{…},"name":{"dtype":…,"shape":[…],"data_offsets":[begin,end]},…}
/// ```
/// The tensors fill the data without a hole and without overlap.
public struct SafetensorsHeader: Sendable {
  /// One tensor.
  public struct Entry: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let type: ScalarType
    /// The extents, outermost first.
    public let shape: [Int]
    let begin: UInt64
    let end: UInt64

    /// The place in the data.
    /// - Units: bytes after the header.
    public var range: Range<Int> { Int(begin)..<Int(end) }
  }

  /// The largest header that is read or written, as in the reference implementation.
  /// - Units: bytes of JSON.
  public static let limit = 100_000_000

  /// The key under which files keep their metadata.
  static let metadataKey: StaticString = "__metadata__"

  /// Free text pairs, in the order of the file; empty where the file has none.
  public let metadata: [(key: String, value: String)]
  /// The tensors, in the order of their data.
  public let entries: [Entry]
  /// The names of entries without a type and without bytes.
  var stubs: [String] = []

  /// The number of bytes of all tensors.
  public var dataCount: Int { entries.last.map { Int($0.end) } ?? 0 }
}
