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
      .init("a key without a name") { try $0.gguf { $0.values = [GGUFLiteral.value("", 0, [1])] } },
      .init("a key with a NUL") { try $0.gguf { $0.values = [GGUFLiteral.value("a\0b", 0, [1])] } },
      .init("a name that is not UTF-8") {
        try $0.gguf {
          $0.values = [GGUFLiteral.number(UInt64(1)) + [0xff] + GGUFLiteral.number(UInt32(0)) + [1]]
        }
      },
      .init("a type of metadata nobody knows") {
        try $0.gguf { $0.values = [GGUFLiteral.value("k", 13, [1])] }
      },
      .init("a truth value of two") {
        try $0.gguf { $0.values = [GGUFLiteral.value("k", 7, [2])] }
      },
      .init("a text that goes beyond the end") {
        try $0.gguf { $0.values = [GGUFLiteral.value("k", 8, GGUFLiteral.number(UInt64.max))] }
      },
      .init("an array of arrays") {
        try $0.gguf {
          $0.values = [
            GGUFLiteral.value("k", 9, GGUFLiteral.number(UInt32(9)) + GGUFLiteral.number(UInt64(1)))
          ]
        }
      },
      .init("an alignment that is no power of two") {
        try $0.gguf {
          $0.values = [GGUFLiteral.value(alignment, 4, GGUFLiteral.number(UInt32(24)))]
        }
      },
      .init("a tensor twice") { try $0.gguf { $0.tensors.append($0.tensors[0]) } },
      .init("a tensor of five extents") {
        try $0.gguf { $0.tensors = [GGUFLiteral.tensor("a", [1, 1, 1, 1, 4], 0, at: 0)] }
      },
      .init("a type of tensors nobody knows") {
        try $0.gguf { $0.tensors = [GGUFLiteral.tensor("a", [4], 4, at: 0)] }
      },
      .init("a row that ends inside a block") {
        try $0.gguf { $0.tensors = [GGUFLiteral.tensor("a", [16, 2], 8, at: 0)] }
      },
      .init("an extent that overflows") {
        try $0.gguf { $0.tensors = [GGUFLiteral.tensor("a", [.max], 0, at: 0)] }
      },
      .init("a shape that overflows") {
        try $0.gguf { $0.tensors = [GGUFLiteral.tensor("a", [1 << 32, 1 << 32], 0, at: 0)] }
      },
      .init("a hole before a tensor") {
        try $0.gguf { $0.tensors = [GGUFLiteral.tensor("a", [4], 0, at: 32)] }
      },
      .init("a part that is not the one its name says") { shop in
        for number in 1...2 {
          var part = GGUFLiteral()
          part.tensors = [GGUFLiteral.tensor("part\(number)", [4], 0, at: 0)]
          try shop.file("model-0000\(number)-of-00002.gguf", part.bytes)
        }
        return try shop.thrown { try StoredCheckpoint.open(shop.folder.path) }
      },
      .init("a file that is cut off") { try $0.gguf { $0.data = [UInt8](repeating: 7, count: 9) } },
      .init("bytes behind the last tensor") {
        try $0.gguf { $0.data = [UInt8](repeating: 7, count: 33) }
      },
      .init("keys that contradict each other") { shop in
        var bytes = Array(try Fixtures.bytes("gguf/qwen35-q8_0.gguf"))
        if let key = bytes.firstRange(of: Array("qwen35.attention.key_length".utf8)) {
          bytes[key.upperBound + 4] *= 2
        }
        try shop.file("model.gguf", bytes)
        return try shop.graft("inspect", "model.gguf")
      },
    ])
}

extension Workshop {
  fileprivate func gguf(_ change: (inout GGUFLiteral) -> Void) throws -> Message {
    var literal = GGUFLiteral()
    change(&literal)
    let path = try file("model.gguf", literal.bytes)
    return try thrown { try StoredCheckpoint.open(path) }
  }
}
