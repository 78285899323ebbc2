import Foundation
import JSON
import SystemPackage

/// A safetensors file read and written in the plainest way, to make files and to look into them.
///
/// It shares no code with `Containers` but the JSON reader, checks nothing, and writes what it is
/// told, right or wrong.
public struct PlainCheckpointFile {
  /// One tensor with its bytes.
  public struct Tensor: Equatable {
    /// The name in the file.
    public var name: String
    /// The type as the header spells it.
    public var type: String
    /// The extents as the header states them.
    public var shape: [Int]
    /// The bytes, however many.
    public var bytes: [UInt8]

    /// A tensor of any type.
    public init(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) {
      (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
    }

    /// A tensor of floats.
    public init(_ name: String, _ shape: [Int], _ values: [Float]) {
      self.init(name, "F32", shape, values.flatMap { Self.bytes($0.bitPattern) })
    }

    /// A tensor of token ids.
    public init(_ name: String, _ shape: [Int], ids: [Int64]) {
      self.init(name, "I64", shape, ids.flatMap(Self.bytes))
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    /// The values of a tensor of type F32, BF16 or F16.
    public var floats: [Float] {
      get {
        bytes.withUnsafeBytes { raw in
          if type == "F32" {
            return (0..<raw.count / 4).map {
              raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
            }
          }
          return (0..<raw.count / 2).map {
            let bits = raw.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)
            return type == "F16"
              ? Float(Float16(bitPattern: bits)) : Float(bitPattern: UInt32(bits) << 16)
          }
        }
      }
      set {
        precondition(type == "F32" || type == "BF16")
        bytes = newValue.flatMap {
          type == "F32" ? Self.bytes($0.bitPattern) : Self.bytes(UInt16($0.bitPattern >> 16))
        }
      }
    }
  }

  /// The tensors, in the order of their data.
  public var tensors: [Tensor]
  /// The metadata; nil for none.
  public var metadata: JSONValue? = ["format": "pt"]

  /// A file of these tensors.
  public init(_ tensors: [Tensor]) { self.tensors = tensors }

  /// Reads a file that is known to be right.
  public init(_ path: FilePath) throws {
    let bytes = try Fixtures.contents(path)
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: Array(bytes[8..<8 + length]))
    let start = 8 + length
    var found: [(begin: Int, tensor: Tensor)] = []
    for (name, entry) in header.object?.entries ?? [] where name != "__metadata__" {
      let offsets = (entry["data_offsets"]?.array ?? []).compactMap(\.int)
      let shape = (entry["shape"]?.array ?? []).compactMap(\.int)
      let data = Array(bytes[start + offsets[0]..<start + offsets[1]])
      found.append((offsets[0], Tensor(name, entry["dtype"]?.string ?? "", shape, data)))
    }
    tensors = found.sorted { $0.begin < $1.begin }.map(\.tensor)
    metadata = header["__metadata__"]
  }

  /// The tensor of that name.
  public subscript(name: String) -> Tensor? {
    get { tensors.first { $0.name == name } }
    set {
      let place = tensors.firstIndex { $0.name == name }
      if let place, let newValue { tensors[place] = newValue }
      if let place, newValue == nil { tensors.remove(at: place) }
      if place == nil, let newValue { tensors.append(newValue) }
    }
  }

  /// The bytes of the file.
  public var bytes: [UInt8] {
    var members: [(String, JSONValue)] = metadata.map { [("__metadata__", $0)] } ?? []
    var data: [UInt8] = []
    for tensor in tensors {
      let entry: JSONValue = [
        "dtype": .string(tensor.type), "shape": .array(tensor.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(data.count), JSONValue(data.count + tensor.bytes.count)],
      ]
      members.append((tensor.name, entry))
      data += tensor.bytes
    }
    var header = Array(JSONValue.object(JSONObject(members)).text(indent: 0).utf8)
    header += repeatElement(0x20, count: (8 - header.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
  }
}
