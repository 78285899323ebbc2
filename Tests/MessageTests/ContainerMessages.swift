import Containers
import Foundation
import GraftTestSupport
import SystemPackage

extension MessageSection {
  /// Paths and directories of weights.
  static let places = MessageSection(
    "Paths and directories",
    [
      .init("a path that is not there") { try $0.graft("inspect", "nowhere") },
      .init("a file that holds no weights") { shop in
        try shop.file("notes.txt", "notes".utf8)
        return try shop.graft("inspect", "notes.txt")
      },
      .init("a device") { try $0.graft("inspect", "/dev/null") },
      .init("a directory without weights") { shop in
        try shop.model("options/gdn-small") { try $0.remove("model.safetensors") }
        try? FileManager.default.removeItem(
          atPath: shop.folder.path.appending("model/reference.safetensors").string)
        return try shop.graft("inspect", "model")
      },
      .init("a directory with weights of other names only") {
        try $0.opened("options/gdn-small") { try $0.remove("model.safetensors") }
      },
      .init("weights in several containers") {
        try $0.opened("options/gdn-small") {
          for name in ["model.safetensors", "reference.safetensors"] { try $0.remove(name) }
          try $0.write("pytorch_model.bin", [])
          try $0.write("weights.npz", [])
        }
      },
      .init("a link that leads nowhere") {
        try $0.opened("options/gdn-small") {
          try $0.remove("model.safetensors")
          try FileManager.default.createSymbolicLink(
            atPath: $0.path.appending("model.safetensors").string, withDestinationPath: "gone")
        }
      },
      .init("shards without an index and a single file") {
        try $0.opened("options/f32-sharded") {
          try $0.remove("model.safetensors.index.json")
          try $0.remove("model-00002-of-00005.safetensors")
        }
      },
    ])

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

  /// Indices and the files they name.
  static let shards = MessageSection(
    "Shards and their index",
    [
      .init("a shard that is not there") {
        try $0.sharded { try $0.remove("model-00002-of-00005.safetensors") }
      },
      .init("a file that the index does not name") {
        try $0.sharded { copy in
          let bytes = try copy.bytes("model-00001-of-00005.safetensors")
          try copy.write("model-00006-of-00006.safetensors", bytes)
        }
      },
      .init("a tensor that is in no file") {
        try $0.sharded {
          try $0.replace("lm_head.weight", "lm_head.wait", in: "model.safetensors.index.json")
        }
      },
      .init("a tensor that is not in the index") {
        try $0.sharded {
          let name = "model-00002-of-00005.safetensors"
          try $0.editWeights(name) { $0.tensors.append(.init("extra", [1], [1])) }
        }
      },
      .init("a tensor in another file than the index says") {
        try $0.sharded { copy in
          try copy.replace(
            "\"transformer.wte.weight\": \"model-00001",
            "\"transformer.wte.weight\": \"model-00002",
            in: "model.safetensors.index.json")
        }
      },
      .init("another total size") {
        try $0.sharded {
          try $0.replace(
            "\"total_size\": ", "\"total_size\": 1", in: "model.safetensors.index.json")
        }
      },
      .init("an index without weight_map") {
        try $0.sharded { try $0.write("model.safetensors.index.json", "{}".utf8) }
      },
      .init("an index of absurd size") { shop in
        try shop.model("options/f32-sharded")
        return try shop.shell(
          "truncate -s 300M model/model.safetensors.index.json; graft inspect model")
      },
      .init("metadata that is no number") {
        try $0.sharded {
          try $0.replace(
            "\"total_size\": ", "\"total_size\": \"x\", \"y\": ", in: "model.safetensors.index.json"
          )
        }
      },
      .init("a shard outside the directory") {
        try $0.sharded {
          try $0.replace(
            "\"model-00001-of-00005.safetensors\"", "\"../model-00001-of-00005.safetensors\"",
            in: "model.safetensors.index.json")
        }
      },
    ])

  /// Files of torch, numpy and mlx, and the archives they are in.
  static let archives = MessageSection(
    "Files of torch and numpy",
    [
      .init("an empty file") { try $0.stored("model.pt", []) },
      .init("something else than a file of torch") { try $0.stored("model.pt", "hello".utf8) },
      .init("an archive that is cut off") { shop in
        let bytes = try Fixtures.bytes("containers/torch/views.pt")
        return try shop.stored("model.pt", bytes.dropLast(40))
      },
      .init("a call that no state dict needs") { try $0.fixture("torch/refused-call.pt") },
      .init("a list in place of a state dict") { try $0.fixture("torch/refused-list.pt") },
      .init("two state dicts") { try $0.fixture("torch/refused-two.pt") },
      .init("a program") { try $0.fixture("torch/refused-script.pt") },
      .init("a sparse tensor") { try $0.fixture("torch/refused-sparse.pt") },
      .init("a damaged tensor") { shop in
        var bytes = try Fixtures.bytes("containers/torch/views.pt")
        let path = try shop.file("model.pt", bytes)
        let tensor = try StoredCheckpoint.open(path).tensors.first { $0.name == "base" }
        bytes[tensor?.region.range.lowerBound ?? 0] ^= 1
        try shop.file("model.pt", bytes)
        return try shop.thrown { try StoredCheckpoint.open(path).checkPayload() }
      },
      .init("an array of records") { try $0.fixture("npz/refused-record.npz") },
      .init("an array of objects") { try $0.fixture("npz/refused-objects.npz") },
      .init("an array of texts") { try $0.fixture("npz/refused-text.npz") },
      .init("numbers in the other byte order") { try $0.fixture("npz/refused-big-endian.npz") },
      .init("an entry that is no array") { shop in
        let bytes = try Fixtures.bytes("containers/npz/stored.npz")
        return try shop.stored("model.npz", bytes.replacing("NUMPY".utf8, with: "NUMPI".utf8))
      },
      .init("an array of another version") { shop in
        let bytes = try Fixtures.bytes("containers/npz/stored.npz")
        return try shop.stored(
          "model.npz", bytes.replacing(Array("NUMPY".utf8) + [1, 0], with: "NUMPY".utf8 + [9, 0]))
      },
      .init("a header of an array that cannot be read") { shop in
        let bytes = try Fixtures.bytes("containers/npz/stored.npz")
        return try shop.stored("model.npz", bytes.replacing("'descr'".utf8, with: "'descs'".utf8))
      },
      .init("a directory of the archive that lies outside of it") { shop in
        var bytes = try Fixtures.bytes("containers/npz/stored.npz")
        bytes[bytes.count - 3] = 0x7f
        return try shop.stored("model.npz", bytes)
      },
      .init("an archive in several parts") { shop in
        var bytes = try Fixtures.bytes("containers/npz/stored.npz")
        bytes[bytes.count - 18] = 1
        return try shop.stored("model.npz", bytes)
      },
      .init("a piece of a distributed checkpoint that is not there") { shop in
        try shop.model("containers/dcp/mesh") { try $0.remove("__2_0.distcp") }
        return try shop.thrown {
          try StoredCheckpoint.open(shop.folder.path.appending("model"))
        }
      },
      .init("other weights beside a distributed checkpoint") { shop in
        try shop.model("containers/dcp/mesh") { try $0.write("pytorch_model.bin", []) }
        return try shop.thrown {
          try StoredCheckpoint.open(shop.folder.path.appending("model"))
        }
      },
      .init("a piece that is cut off") { shop in
        try shop.model("containers/dcp/mesh") { copy in
          try copy.write("__2_0.distcp", copy.bytes("__2_0.distcp").prefix(100))
        }
        return try shop.thrown {
          try StoredCheckpoint.open(shop.folder.path.appending("model"))
        }
      },
    ])
}

extension Workshop {
  fileprivate func stored(_ name: String, _ bytes: some Sequence<UInt8>) throws -> Message {
    let path = try file(name, bytes)
    return try thrown { try StoredCheckpoint.open(path) }
  }

  fileprivate func fixture(_ name: String) throws -> Message {
    try thrown { try StoredCheckpoint.open(Fixtures.path("containers/" + name)) }
  }

  fileprivate func safetensors(_ bytes: [UInt8]) throws -> Message {
    try stored("model.safetensors", bytes)
  }

  fileprivate func safetensors(_ header: String, data: Int = 0) throws -> Message {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    return try safetensors(length + header.utf8 + [UInt8](repeating: 0, count: data))
  }

  fileprivate func sharded(_ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    try opened("options/f32-sharded", change)
  }
}
