import Containers
import GraftTestSupport
import SystemPackage

extension MessageSection {
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
        let entry = (tensor?.region.storage as? Checksum)?.region
        bytes[entry?.range.lowerBound ?? 0] ^= 1
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
}
