import Adapters
import Digests
import GraftTestSupport
import JSON
import Opening
import Runtime
import SystemPackage
import Tensors
import Testing
import Verification

/// A base with adapters merged into it, as it should be or with a fault.
final class MergedAdapter {
  let model: OpenedModel
  private let folders: [TemporaryDirectory]
  private let edited: EditableCheckpoint?

  init(_ fault: AdapterFault, isSound: Bool) throws {
    var files = try AdapterFiles.of(fault.adapter)
    if !isSound { fault.plant(in: &files) }
    let all = try [files] + (fault.second.map { [try AdapterFiles.of($0)] } ?? [])
    let scales: [Double] = all.count == 1 ? [1] : isSound ? [0.5, 2] : [2, 0.5]
    let folders = try all.map { _ in try TemporaryDirectory() }
    let base = try OpenedModel(Self.base(of: fault.adapter), catalogue: .builtIn())
    let merged = try zip(all.indices, scales).reduce(base) { model, next in
      try model.merging(
        all[next.0].opened(in: folders[next.0], scale: next.1), dequantisingTo: nil,
        catalogue: .builtIn())
    }
    self.folders = folders
    guard fault.step == "otherAxis", !isSound else {
      (model, edited) = (merged, nil)
      return
    }
    let copy = try Self.copy(of: merged, normedBy: AdapterFiles.of(fault.adapter).weights)
    edited = copy
    model = try OpenedModel(copy.path, catalogue: .builtIn())
  }

  private static func base(of adapter: String) -> FilePath {
    let base =
      switch adapter {
      case "experts": "qwen3_5_moe/multimodal-fused-mixed"
      case "grouped": "qwen3_next/bf16"
      default: "qwen3_5/text-bf16"
      }
    return Fixtures.path("huggingface/\(base)")
  }

  /// The names of the tensors that a fault spoils.
  func names(spoiltBy fault: AdapterFault) -> Set<String> {
    let products = model.adapters.flatMap(\.changes).filter { $0.rank != nil }
    let changed = products.flatMap(\.tensors)
    return Set(
      fault.tensors == ["all"]
        ? changed
        : model.checkpoint.tensors.map(\.name).filter { name in
          fault.tensors.contains(where: name.contains)
        })
  }

  /// The merged tensors must be those of PEFT, byte for byte.
  func expectPEFT(_ fault: AdapterFault) throws {
    guard fault.second == nil, fault.adapter != "resized" else { return }
    let file = try JSONValue(parsing: Fixtures.bytes("adapters/\(fault.adapter)/merged.json"))
    let hashes = try #require(file.object).entries
    #expect(Set(hashes.map(\.key)) == Set(model.adapters.flatMap(\.tensors)))
    for (name, hash) in hashes {
      #expect(try SHA256.text(of: bytes(name)) == hash.string, "\(name)")
    }
  }

  /// The comparison with another, which counts as the original.
  func report(against sound: MergedAdapter) throws -> VerificationReport {
    let other = try Model(sound.model.canonical)
    let tokens = TokenBatch.builtIn(for: other.configuration).limited(to: 64)
    return try Verifier(Model(model.canonical), gate: .f32, threads: 1).compare(
      with: other, tokens: tokens,
      changes: try model.valueChanges(in: sound.model, threads: 1))
  }

  private func bytes(_ name: String) throws -> [UInt8] { try Self.bytes(name, in: model) }

  private static func bytes(_ name: String, in model: OpenedModel) throws -> [UInt8] {
    try #require(model.checkpoint.tensor(name)).region.withBytes { Array($0) }
  }

  /// The base with the merged values, each divided by the norm of its column where that of its row is meant.
  private static func copy(
    of plain: OpenedModel, normedBy weights: PlainCheckpointFile
  ) throws -> EditableCheckpoint {
    let copy = try EditableCheckpoint(copying: plain.checkpoint.directory)
    try copy.editWeights { file in
      for name in plain.adapters.flatMap(\.tensors) {
        guard var tensor = file[name] else { continue }
        tensor = .init(name, tensor.type, tensor.shape, try bytes(name, in: plain))
        let (values, columns) = (tensor.floats, tensor.shape[1])
        let module = name.replacing(".weight", with: ".lora_magnitude_vector")
        let magnitudes = weights.tensors.first { $0.name.hasSuffix(module) }?.floats ?? []
        let norms = (0..<columns).map { column in
          stride(from: column, to: values.count, by: columns)
            .reduce(Float(0)) { $0 + values[$1] * values[$1] }.squareRoot()
        }
        let wrong = values.indices.map {
          values[$0] * magnitudes[$0 / columns] / norms[$0 % columns]
        }
        file[name] = .init(
          name, "BF16", tensor.shape,
          wrong.flatMap { value in
            let bits = FloatBits.bf16(value)
            return [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
          })
      }
    }
    return copy
  }
}
