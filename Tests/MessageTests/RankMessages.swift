import Foundation
import GraftTestSupport
import SystemPackage
import Tensors

@testable import Containers

extension MessageSection {
  /// Files to which each rank of a trainer wrote its parts of the tensors.
  static let ranks = MessageSection(
    "Files of ranks",
    [
      .init("a file of a rank that is missing") {
        try $0.ranks { try $0.remove("model_world_size_3_rank_2.pt") }
      },
      .init("files of ranks of two saves") {
        try $0.ranks { try $0.write("model_world_size_4_rank_0.pt", []) }
      },
      .init("other weights beside files of ranks") {
        try $0.ranks { try $0.write("pytorch_model.bin", []) }
      },
      .init("one file of a rank alone") { shop in
        try shop.model("containers/ranks/fsdp") { try $0.remove("model_world_size_3_rank_2.pt") }
        return try shop.graft("inspect", "model/model_world_size_3_rank_0.pt")
      },
      .init("the file of a rank under two names") {
        try $0.ranks { try $0.write(second, $0.bytes("model_world_size_3_rank_0.pt")) }
      },
      .init("a tensor that a rank lacks") { try $0.pickle(text("one.row"), text("two.row")) },
      .init("a tensor that a rank has twice") { try $0.pickle(text("one.row"), text("columns")) },
      .init("a tensor that a rank cuts otherwise") { try $0.pickle(dim(0), dim(1)) },
      .init("a placement that does not fit the part") { try $0.pickle(dim(0), dim(1), of: 0..<3) },
      .init("a placement that does not fit the tensor") {
        try $0.pickle(dim(0), dim(7), of: 0..<3)
      },
      .init("summands instead of parts") {
        try $0.pickle(name("Shard"), name("Partial"), of: 0..<3)
      },
      .init("a DTensor without placements") { try $0.pickle(text("placements"), text("placed")) },
      .init("a DTensor of another form") { try $0.pickle(text("_spec"), text("_spic")) },
      .init("replicas that differ") { shop in
        let path = try shop.model("containers/ranks/hsdp") { copy in
          let tensor = try StoredCheckpoint.open(copy.path).tensor("replicated")
          let row = try tensor?.region.withBytes { Array($0) } ?? []
          try shop.pack(copy.path.appending("model_world_size_4_rank_3.pt")) { entry, content in
            guard entry.contains("/data/"), let place = content.firstRange(of: row) else { return }
            content[place.lowerBound] ^= 1
          }
        }
        return try shop.thrown { try StoredCheckpoint.open(path).checkPayload() }
      },
      .init("all files of a rank missing, in the form of the hub") {
        try $0.shards { copy in
          for number in 1...2 {
            try copy.remove("shard-00002-model-0000\(number)-of-00002.safetensors")
          }
        }
      },
      .init("a file of a rank missing, in the form of the hub") {
        try $0.shards { try $0.remove("shard-00002-model-00002-of-00002.safetensors") }
      },
      .init("files of two saves, in the form of the hub") {
        try $0.shards { try $0.write("shard-00001-model-00001-of-00003.safetensors", []) }
      },
      .init("a file that does not say what its parts are") {
        try $0.shards { copy in
          try copy.editWeights(shard) { $0.metadata = ["format": "pt"] }
        }
      },
      .init("a part whose place is not said") {
        try $0.shards { copy in
          try copy.editWeights(shard) { $0.metadata = ["DCP_SHARDING_INFO": "{}"] }
        }
      },
      .init("a part of another type") {
        try $0.shards { copy in
          try copy.editWeights(shard) { $0["uneven"]?.type = "I32" }
        }
      },
      .init("a part behind all numbers") {
        try $0.shards { copy in
          try copy.editWeights(shard) { file in
            let info = file.metadata?["DCP_SHARDING_INFO"]?.string ?? ""
            let other = info.replacing("[3, 0]", with: "[\(Int.max), 0]")
            file.metadata = ["DCP_SHARDING_INFO": .string(other)]
          }
        }
      },
      .init("files of ranks for another config") { shop in
        let config = try Fixtures.bytes("huggingface/qwen3_5/text-bf16/config.json")
        let tensors = try PlainCheckpointFile(
          Fixtures.path("huggingface/qwen3_5/text-bf16/model.safetensors"))
        return try shop.half(tensors, config)
      },
      .init("a universal checkpoint of DeepSpeed without tensors") {
        try $0.directory(folders: ["zero"])
      },
      .init("a universal checkpoint of DeepSpeed with another value") { shop in
        let folder = shop.folder.path.appending("model/zero/a.weight")
        try FileManager.default.createDirectory(
          atPath: folder.string, withIntermediateDirectories: true)
        let file = try Fixtures.bytes("containers/torch/refused-list.pt")
        try Data(file).write(to: URL(fileURLWithPath: folder.appending("fp32.pt").string))
        return try shop.opened(shop.folder.path.appending("model"))
      },
    ])

  private static let second = "model_world_size_3_rank_1.pt"
  private static let shard = "shard-00002-model-00002-of-00002.safetensors"

  /// A text in a pickle.
  private static func text(_ text: String) -> [UInt8] {
    [0x58, UInt8(text.utf8.count), 0, 0, 0] + text.utf8
  }

  /// The name of a placement in a pickle.
  private static func name(_ name: String) -> [UInt8] {
    Array("placement_types\n\(name)\n".utf8)
  }

  /// The axis that a placement cuts, in a pickle; behind the key stands a number that is looked up.
  private static func dim(_ axis: UInt8) -> [UInt8] { text("dim") + [0x71, 0x39, 0x4b, axis] }
}

extension Workshop {
  /// Opens a changed copy of files of three ranks.
  fileprivate func ranks(_ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    let path = try model("containers/ranks/fsdp", change)
    return try thrown { try StoredCheckpoint.open(path) }
  }

  /// Opens a changed copy of files of three ranks in the form of the hub.
  fileprivate func shards(_ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    let path = try model("containers/hub/shards", change)
    return try thrown { try StoredCheckpoint.open(path) }
  }

  /// Opens files of three ranks in the pickle of some of which bytes were replaced where they come first.
  fileprivate func pickle(_ old: [UInt8], _ new: [UInt8], of ranks: Range<Int> = 1..<2) throws
    -> Message
  {
    let path = try model("containers/ranks/fsdp-2.4")
    for rank in ranks {
      try pack(path.appending("model_world_size_3_rank_\(rank).pt")) { entry, content in
        guard entry.hasSuffix("data.pkl") else { return }
        content.replace(old, with: new, maxReplacements: 1)
      }
    }
    return try thrown { try StoredCheckpoint.open(path) }
  }

  /// Packs a file of torch anew, with what `change` makes of the content of its entries.
  fileprivate func pack(_ path: FilePath, _ change: (String, inout [UInt8]) -> Void) throws {
    let bytes = try Fixtures.contents(path)
    let copy = OwnedBytes(bytes)
    var zip = ZipPlan()
    for entry in try ZipArchive(copy).entries {
      var content = try entry.bytes(limit: 1 << 20)
      change(entry.name, &content)
      zip.add(entry.name, content)
    }
    try FileManager.default.removeItem(atPath: path.string)
    try WeightFileWriter(creating: path, zip.plan).finish()
  }

  /// Opens a model of which a last rank should have half the rows.
  fileprivate func half(_ tensors: PlainCheckpointFile, _ config: [UInt8]) throws -> Message {
    var file = tensors
    let info = file.tensors.map { "\"\($0.name)\":{\"saved_offsets\":\($0.shape.map { _ in 0 })}" }
    file.metadata = ["DCP_SHARDING_INFO": .string("{\(info.joined(separator: ","))}")]
    if let norm = file["model.norm.weight"] {
      file["model.norm.weight"]?.shape = [norm.shape[0] / 2]
      file["model.norm.weight"]?.bytes.removeLast(norm.bytes.count / 2)
    }
    let folder = folder.path.appending("model")
    try FileManager.default.createDirectory(
      atPath: folder.string, withIntermediateDirectories: true)
    try self.file("model/config.json", config)
    try self.file("model/shard-00001-model-00001-of-00001.safetensors", file.bytes)
    return try opened(folder)
  }
}
