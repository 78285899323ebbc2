import Containers
import GraftTestSupport

extension MessageSection {
  /// Safetensors files.
  static let safetensors = MessageSection(
    "Safetensors files",
    [
      .init("an empty file") { try $0.safetensors([]) },
      .init("a header of absurd length") {
        try $0.safetensors([UInt8](repeating: 0xff, count: 8) + "{}".utf8)
      },
      .init("a file that ends in its header") { try $0.safetensors([60, 0, 0, 0, 0, 0, 0, 0]) },
      .init("a file that is cut off") { try $0.safetensors(entry("U8", "[4]", "[0,4]"), data: 2) },
      .init("bytes behind the last tensor") {
        try $0.safetensors(entry("U8", "[4]", "[0,4]"), data: 6)
      },
      .init("a header that is not JSON") { try $0.safetensors("{\"t\": }") },
      .init("a key twice") {
        try $0.safetensors("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}")
      },
      .init("a hole between tensors") { try $0.safetensors(entry("U8", "[2]", "[1,3]"), data: 3) },
      .init("a shape that does not fit the data") {
        try $0.safetensors(entry("I32", "[2,2]", "[0,4]"), data: 4)
      },
      .init("a shape that overflows") {
        try $0.safetensors(entry("I32", "[4294967296,4294967296]", "[0,4]"), data: 4)
      },
      .init("an extent that overflows") {
        try $0.safetensors(entry("I32", "[18446744073709551615]", "[0,4]"), data: 4)
      },
      .init("half a byte") { try $0.safetensors(entry("F4", "[1,3]", "[0,2]"), data: 2) },
      .init("a missing field") { try $0.safetensors(#"{"t":{"dtype":"U8","shape":[1]}}"#) },
      .init("an unknown field") {
        try $0.safetensors(#"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, data: 1)
      },
      .init("an unknown type") { try $0.safetensors(entry("U9", "[1]", "[0,1]"), data: 1) },
      .init("a tensor without a name") {
        try $0.safetensors(#"{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
      },
      .init("a line end in a name") {
        try $0.safetensors(
          #"{"a\nb":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
      },
    ])

  private static func entry(_ type: String, _ shape: String, _ offsets: String) -> String {
    #"{"t":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
  }
}

extension Workshop {
  fileprivate func safetensors(_ bytes: [UInt8]) throws -> Message {
    let path = try file("model.safetensors", bytes)
    return try thrown { try StoredCheckpoint.open(path) }
  }

  fileprivate func safetensors(_ header: String, data: Int = 0) throws -> Message {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    return try safetensors(length + header.utf8 + [UInt8](repeating: 0, count: data))
  }
}
