import Containers
import GraftTestSupport

extension MessageSection {
  private static let alignment = "general.alignment"

  /// GGUF files.
  static let gguf = MessageSection(
    "GGUF files",
    [
      .init("something else than a GGUF file") { try $0.gguf { $0.magic = Array("GGUE".utf8) } },
      .init("a big-endian file") { try $0.gguf { $0.version = 3 << 24 } },
      .init("an old version") { try $0.gguf { $0.version = 1 } },
      .init("more metadata than there is room for") { try $0.gguf { $0.valueCount = 1 << 62 } },
      .init("more tensors than there is room for") { try $0.gguf { $0.tensorCount = .max } },
      .init("a key twice") { try $0.gguf { $0.values.append($0.values[0]) } },
      .init("a key without a name") { try $0.gguf { $0.values = [GGUFBytes.value("", 0, [1])] } },
      .init("a key with a NUL") { try $0.gguf { $0.values = [GGUFBytes.value("a\0b", 0, [1])] } },
      .init("a name that is not UTF-8") {
        try $0.gguf {
          $0.values = [GGUFBytes.little(UInt64(1)) + [0xff] + GGUFBytes.little(UInt32(0)) + [1]]
        }
      },
      .init("a type of metadata nobody knows") {
        try $0.gguf { $0.values = [GGUFBytes.value("k", 13, [1])] }
      },
      .init("a truth value of two") { try $0.gguf { $0.values = [GGUFBytes.value("k", 7, [2])] } },
      .init("a text that goes beyond the end") {
        try $0.gguf { $0.values = [GGUFBytes.value("k", 8, GGUFBytes.little(UInt64.max))] }
      },
      .init("an array of arrays") {
        try $0.gguf {
          $0.values = [
            GGUFBytes.value("k", 9, GGUFBytes.little(UInt32(9)) + GGUFBytes.little(UInt64(1)))
          ]
        }
      },
      .init("an alignment that is no power of two") {
        try $0.gguf { $0.values = [GGUFBytes.value(alignment, 4, GGUFBytes.little(UInt32(24)))] }
      },
      .init("a tensor twice") { try $0.gguf { $0.tensors.append($0.tensors[0]) } },
      .init("a tensor of five extents") {
        try $0.gguf { $0.tensors = [GGUFBytes.tensor("a", [1, 1, 1, 1, 4], 0, at: 0)] }
      },
      .init("a type of tensors nobody knows") {
        try $0.gguf { $0.tensors = [GGUFBytes.tensor("a", [4], 4, at: 0)] }
      },
      .init("a row that ends inside a block") {
        try $0.gguf { $0.tensors = [GGUFBytes.tensor("a", [16, 2], 8, at: 0)] }
      },
      .init("an extent that overflows") {
        try $0.gguf { $0.tensors = [GGUFBytes.tensor("a", [.max], 0, at: 0)] }
      },
      .init("a shape that overflows") {
        try $0.gguf { $0.tensors = [GGUFBytes.tensor("a", [1 << 32, 1 << 32], 0, at: 0)] }
      },
      .init("a hole before a tensor") {
        try $0.gguf { $0.tensors = [GGUFBytes.tensor("a", [4], 0, at: 32)] }
      },
      .init("a file that is cut off") { try $0.gguf { $0.data = [UInt8](repeating: 7, count: 9) } },
      .init("bytes behind the last tensor") {
        try $0.gguf { $0.data = [UInt8](repeating: 7, count: 33) }
      },
    ])
}

extension Workshop {
  fileprivate func gguf(_ change: (inout GGUFBytes) -> Void) throws -> Message {
    var bytes = GGUFBytes()
    change(&bytes)
    let path = try file("model.gguf", bytes.all)
    return try thrown { try StoredCheckpoint.open(path) }
  }
}

/// A GGUF file put together from its parts, right or wrong.
struct GGUFBytes {
  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  var tensorCount: UInt64?
  var valueCount: UInt64?
  var values = [value("general.architecture", 8, text("x"))]
  var tensors = [tensor("a", [4], 0, at: 0)]
  var data = [UInt8](repeating: 7, count: 32)

  static func little(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + text.utf8 }

  static func value(_ key: String, _ type: UInt32, _ bytes: [UInt8]) -> [UInt8] {
    text(key) + little(type) + bytes
  }

  static func tensor(_ name: String, _ extents: [UInt64], _ type: UInt32, at offset: UInt64)
    -> [UInt8]
  {
    text(name) + little(UInt32(extents.count)) + extents.flatMap { little($0) } + little(type)
      + little(offset)
  }

  var all: [UInt8] {
    var bytes = magic + Self.little(version)
    bytes += Self.little(tensorCount ?? UInt64(tensors.count))
    bytes += Self.little(valueCount ?? UInt64(values.count))
    bytes += (values + tensors).joined()
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
    return bytes + data
  }
}
