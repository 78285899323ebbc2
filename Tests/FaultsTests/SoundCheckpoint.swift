import Canonical
import Conversion
import Foundation
import GraftTestSupport
import Layouts
import Opening
import Runtime
import SystemPackage
import Verification

/// A base on disk, as it is before anything is planted.
final class SoundCheckpoint {
  let base: Base
  let path: FilePath
  let opened: OpenedModel
  let model: Model
  /// What the original implementation computes; nil where its tokens are not looked at.
  let recorded: ReferenceFile?
  /// The prompt on which the checkpoint and its copies are compared.
  let tokens: TokenBatch
  /// Prompts for the checks of other tools; nil where they are not looked at.
  private(set) var peerPrompts: PeerPrompts?
  /// How far the sound checkpoint is from what the original implementation computes.
  private(set) var floor = 0.0
  private let folder: TemporaryDirectory

  /// Makes the checkpoint of a base; it is removed with its owner.
  /// - Parameter isWhole: whether references and the checks of other tools count too.
  init(_ base: Base, isWhole: Bool) throws {
    self.base = base
    let fixture = Fixtures.path(base.fixture)
    let isFile = base.fixture.hasSuffix(".gguf")
    let reference =
      isFile
      ? FilePath(String(fixture.string.dropLast(5)) + ".reference.safetensors")
      : fixture.appending("reference.safetensors")
    folder = try TemporaryDirectory()
    path = folder.path.appending("model")
    if let layout = base.layout {
      let edited = try base.isEdited ? Self.edited(fixture, base) : nil
      defer { withExtendedLifetime(edited) {} }
      let source = try OpenedModel(edited?.path ?? fixture, catalogue: .builtIn())
      try Self.convert(source, to: layout, at: path, allowsEpsilons: base.changesEpsilons)
    } else {
      try FileManager.default.copyItem(atPath: fixture.string, toPath: path.string)
    }
    try? FileManager.default.removeItem(atPath: path.appending("reference.safetensors").string)
    if let form = base.packing { try Self.pack(path, as: form) }
    opened = try OpenedModel(path, catalogue: .builtIn())
    model = try Model(opened.canonical)
    let builtIn = TokenBatch.builtIn(for: model.configuration)
    tokens = isWhole ? builtIn : builtIn.limited(to: 160)
    let isRecorded = base.packing == nil && !base.changesEpsilons
    recorded = isWhole && isRecorded ? try ReferenceFile(reference) : nil
    if let recorded { try measure(recorded) }
  }

  private static func edited(_ fixture: FilePath, _ base: Base) throws -> EditableCheckpoint {
    let copy = try EditableCheckpoint(copying: fixture)
    try copy.editConfig { config in
      for (key, value) in base.edits.entries { config[key] = value }
    }
    if base.cutsHeads { try copy.giveAttentionTheHeadsOfKimiDeltaAttention() }
    return copy
  }

  private static func pack(_ path: FilePath, as form: PackedTwin.Form) throws {
    let twin = try PackedTwin(path, as: form)
    try FileManager.default.removeItem(atPath: path.string)
    try FileManager.default.copyItem(atPath: twin.packed.path.string, toPath: path.string)
  }

  private func measure(_ reference: ReferenceFile) throws {
    let report = try Verifier(model, gate: .f32, threads: 1)
      .compare(with: reference, file: base.fixture)
    floor = max(report.logits.maxAbs, report.stepped.maxAbs)
    peerPrompts = try PeerPrompts(model, text(tokens.rows[0].count))
  }

  /// Source code for models of bytes that were trained on it, random tokens for others.
  private func text(_ count: Int) throws -> [Int] {
    guard base.isTrained, model.configuration.vocabulary == 256 else { return tokens.rows[0] }
    return try Fixtures.bytes("trained/python-source.val.bin").prefix(count).map(Int.init)
  }

  /// Writes a checkpoint in a layout, in files of some size.
  static func convert(
    _ source: OpenedModel, to layout: String, at path: FilePath, shardSize: Int? = nil,
    allowsEpsilons: Bool = false
  ) throws {
    var options = ConversionOptions()
    options.allowsEpsilons = allowsEpsilons
    options.maximumShardSize = shardSize
    options.dropsMTP = layout != source.layout.id
    let target = try source.target(layout, in: .builtIn())
    var writing = try WriteOptions(catalogue: .builtIn(), version: "0")
    writing.keepsRecord = false
    _ = try CheckpointPlan(converting: source, to: target, options: options).write(
      to: path, writing)
  }
}
