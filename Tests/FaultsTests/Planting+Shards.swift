import Canonical
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage

/// Faults of checkpoints in several files.
extension Planting {
  /// Writes the copy anew in about three files.
  func shard() throws {
    let bytes = opened.checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
    let pieces = copy.beside("pieces")
    try SoundCheckpoint.convert(
      opened, to: opened.layout.id, at: pieces, shardSize: bytes / 3 + 4096)
    try FileManager.default.removeItem(atPath: copy.path.string)
    try FileManager.default.moveItem(atPath: pieces.string, toPath: copy.path.string)
  }

  /// The name of the shard of that number, counted from 1.
  func shardName(_ number: Int) throws -> String {
    let names = copy.fileNames.filter { $0.hasPrefix("model-") }
    guard names.indices.contains(number - 1) else { throw NotApplicable() }
    return names[number - 1]
  }

  /// Changes all weights of a shard a little, as training does.
  mutating func alterShard(_ number: Int) throws {
    let name = try shardName(number)
    try copy.editWeights(name) { file in
      for index in file.tensors.indices {
        let width = file.tensors[index].type == "F32" ? 4 : 2
        for place in stride(from: width - 2, to: file.tensors[index].bytes.count, by: width) {
          file.tensors[index].bytes[place] ^= 4
        }
      }
    }
    let names = Set(try PlainCheckpointFile(copy.path.appending(name)).tensors.map(\.name))
    for (role, tensor) in opened.canonical.tensors where names.contains(tensor.origin) {
      touched.insert(role)
    }
  }

  /// Gives two shards each other's name.
  func swapShards(_ a: Int, _ b: Int) throws {
    let (here, there) = (try shardName(a), try shardName(b))
    let (first, second) = (try copy.bytes(here), try copy.bytes(there))
    try copy.write(here, second)
    try copy.write(there, first)
  }

  /// Adds a copy of the first tensor of a shard to another shard.
  func repeatTensor(_ from: Int, in to: Int) throws {
    let file = try PlainCheckpointFile(copy.path.appending(try shardName(from)))
    guard let tensor = file.tensors.first else { throw NotApplicable() }
    try copy.editWeights(try shardName(to)) { $0.tensors.append(tensor) }
  }

  /// Adds a name to the index that no shard has.
  func listInIndex(_ tensor: String, _ shard: String) throws {
    var index = try JSONValue(parsing: copy.bytes("model.safetensors.index.json"))
    var map = index["weight_map"] ?? [:]
    map[tensor] = .string(shard)
    index["weight_map"] = map
    try copy.write("model.safetensors.index.json", index.text(indent: 2).utf8)
  }
}
