import Containers
import Diagnostics
import Tensors

/// A safetensors file from its parts, right or wrong.
enum SafetensorsLiteral {
  /// Eight bytes of length, the header, then zeros.
  static func bytes(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let json = Array(header.utf8)
    let prefix = withUnsafeBytes(of: (length ?? UInt64(json.count)).littleEndian) { Array($0) }
    return prefix + json + [UInt8](repeating: 0, count: data)
  }

  /// One entry of a header.
  static func entry(_ name: String, _ type: String, _ shape: String, _ offsets: String) -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }
}

extension SafetensorsFile {
  /// The file with these bytes, named `t.safetensors`.
  init(bytes: [UInt8]) throws {
    let storage = OwnedBytes(count: bytes.count)
    storage.mutableBytes.copyBytes(from: bytes)
    try self.init(storage, name: "t.safetensors")
  }
}

extension StoredTensor {
  /// A copy of the bytes; empty where they cannot be made.
  var contents: [UInt8] { (try? region.withBytes { Array($0) }) ?? [] }
}
