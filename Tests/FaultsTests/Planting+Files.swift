import Canonical
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage
import Tensors

/// Faults of files: configs, headers, names, types, shards.
extension Planting {
  private static let weights = "model.safetensors"

  /// Plants a fault in files.
  /// - Returns: false for a verb that changes values.
  mutating func plantFile(_ verb: String, _ words: [JSONValue]) throws -> Bool {
    let text = words.first?.string ?? ""
    switch verb {
    case "config": try changeConfig((words[0].array ?? []).compactMap(\.string), words[1])
    case "drop":
      let name = try stored(text)
      try edit { $0[name] = nil }
    case "drop-names": try remove(namesBeginning: text)
    case "alter-name": try alter(nameBeginning: text)
    case "add-name": try edit { $0.tensors.append(.init(text, [4], [1, 2, 3, 4])) }
    case "rename": try rename(text, words[1].string ?? "")
    case "swap-names": try swapNames(text, words[1].string ?? "")
    case "cast": try cast(text)
    case "drop-scale", "scale": try changeScale(text, words.dropFirst().first?.string)
    case "codes-tail": try clearCodes(text)
    case "config-drop": try dropKeys((words[0].array ?? []).compactMap(\.string))
    case "truncate": try resize(by: -(words[0].int ?? 0))
    case "append": try resize(by: words[0].int ?? 0)
    case "shard": try shard()
    case "remove-shard": try copy.remove(try shardName(words[0].int ?? 1))
    case "alter-shard": try alterShard(words[0].int ?? 1)
    case "copy-shard":
      try copy.write(
        "model-00009-of-00009.safetensors", copy.bytes(try shardName(words[0].int ?? 1)))
    case "swap-shards": try swapShards(words[0].int ?? 1, words[1].int ?? 2)
    case "repeat-tensor": try repeatTensor(words[0].int ?? 2, in: words[1].int ?? 1)
    case "keep-single":
      let single = sound.path.appending(Self.weights)
      try copy.write(Self.weights, Fixtures.contents(single))
    case "index": try listInIndex(text, try shardName(words[1].int ?? 1))
    default: return false
    }
    return true
  }

  private var container: String { opened.checkpoint.container.rawValue }

  private func edit(_ body: (inout PlainCheckpointFile) throws -> Void) throws {
    guard copy.fileNames.contains(Self.weights) else { throw NotApplicable() }
    try copy.editWeights(Self.weights, body)
  }

  /// The stored name of the tensor of a role in the first layer of the fault.
  private mutating func stored(_ role: String) throws -> String {
    guard let tensor = try tensor(role, layers.first) else { throw NotApplicable() }
    return tensor.origin
  }

  private func remove(namesBeginning prefix: String) throws {
    try edit { file in
      let kept = file.tensors.filter { !$0.name.hasPrefix(prefix) }
      guard kept.count < file.tensors.count else { throw NotApplicable() }
      file.tensors = kept
    }
  }

  private func alter(nameBeginning prefix: String) throws {
    try edit { file in
      let place = file.tensors.firstIndex { $0.name.hasPrefix(prefix) && $0.shape.count > 1 }
      guard let place else { throw NotApplicable() }
      let bytes = file.tensors[place].bytes
      file.tensors[place].bytes = Array(bytes[(bytes.count / 2)...] + bytes[..<(bytes.count / 2)])
    }
  }

  private func rename(_ from: String, _ to: String) throws {
    try edit { file in
      for index in file.tensors.indices where file.tensors[index].name.hasPrefix(from) {
        file.tensors[index].name = to + file.tensors[index].name.dropFirst(from.count)
      }
    }
  }

  /// Stores two tensors of a layer under each other's name.
  private mutating func swapNames(_ a: String, _ b: String) throws {
    let (here, there) = (try stored(a), try stored(b))
    try edit { file in
      for index in file.tensors.indices where [here, there].contains(file.tensors[index].name) {
        file.tensors[index].name = file.tensors[index].name == here ? there : here
      }
    }
  }

  /// Stores F32 tensors as BF16.
  private mutating func cast(_ role: String) throws {
    let name = role == "*" ? nil : try stored(role)
    try edit { file in
      let places = file.tensors.indices.filter {
        file.tensors[$0].type == "F32" && (name == nil || name == file.tensors[$0].name)
      }
      guard !places.isEmpty else { throw NotApplicable() }
      for place in places {
        let bits = file.tensors[place].floats.map(FloatBits.bf16)
        file.tensors[place].type = "BF16"
        file.tensors[place].bytes = bits.flatMap {
          [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
        }
      }
    }
  }

  private mutating func changeScale(_ role: String, _ function: String?) throws {
    let name = try stored(role)
    guard let scales = scales(of: name) else { throw NotApplicable() }
    guard let function else { return try edit { $0[scales] = nil } }
    try edit { file in
      guard var tensor = file[scales] else { throw NotApplicable() }
      var values = tensor.floats
      try ValueFault.apply(function, to: &values, seed: 0)
      let isWide = tensor.type == "F32"
      tensor.bytes = values.flatMap { value -> [UInt8] in
        let bits = isWide ? value.bitPattern : UInt32(FloatBits.bf16(value))
        return (0..<(isWide ? 4 : 2)).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
      }
      file[scales] = tensor
    }
  }

  /// The name of the scales of a weight in FP8, or of one that is packed.
  private func scales(of name: String) -> String? {
    opened.binding.tensors.first { $0.name == name }?.scales?.name
      ?? opened.checkpoint.tensor(name)?.packed?.parts.dropFirst()
      .first { $0.name.contains("scale") }?.name
  }

  /// Zeros in the second half of the codes of a packed weight.
  private mutating func clearCodes(_ role: String) throws {
    let name = try stored(role)
    guard let codes = opened.checkpoint.tensor(name)?.packed?.parts.first?.name else {
      throw NotApplicable()
    }
    try edit { file in
      guard var tensor = file[codes] else { throw NotApplicable() }
      let half = tensor.bytes.count / 2
      tensor.bytes.replaceSubrange(half..., with: [UInt8](repeating: 0, count: half))
      file[codes] = tensor
    }
  }

  /// Makes the weight file shorter, or longer by bytes that say nothing.
  private func resize(by count: Int) throws {
    let name = opened.checkpoint.weightFiles.first ?? ""
    let bytes = try copy.bytes(name)
    try copy.write(
      name, count < 0 ? Array(bytes.dropLast(-count)) : bytes + [UInt8](repeating: 7, count: count))
  }
}

extension EditableCheckpoint {
  /// The names of the files of the copy.
  var fileNames: [String] { EditableCheckpoint.names(in: path) }
}
