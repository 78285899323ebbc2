import Comparison
import Conversion
import GraftTestSupport
import JSON
import Layouts
import Opening
import Runtime
import SystemPackage
import Verification

/// Faults of packed weights: the part `quantised` of `fixtures/faults.json`.
enum QuantisedFaults {
  /// One way to get a packed weight wrong.
  struct Fault: Sendable {
    /// What `QuantisedCopy` calls it; nil for one that is done to a plain tensor.
    let kind: QuantisedCopy.Fault?
    let id: String
    let what: String
    /// The ways of packing in which it can be.
    let forms: [QuantisedCopy.Form]

    init(_ line: JSONValue) {
      id = line["id"]?.string ?? ""
      what = line["what"]?.string ?? ""
      kind = line["do"]?.string.flatMap(QuantisedCopy.Fault.init)
      forms = (line["forms"]?.array ?? []).compactMap(\.string).compactMap(
        QuantisedCopy.Form.init)
    }
  }

  private static let part = FaultCatalogue.file["quantised"]
  /// The fixture that is packed.
  static let fixture = part?["fixture"]?.string ?? ""
  /// All faults.
  static let all = (part?["faults"]?.array ?? []).map(Fault.init)
  /// The layer and the weight that are spoilt.
  static let layer = 1
  private static let module = "layers.1.linear_attn.in_proj_qkv"
  private static let norm = "layers.1.input_layernorm.weight"

  /// What verify says of a packed checkpoint.
  struct Findings: Sendable {
    /// Against the checkpoint that was packed, weights compared too.
    let original: VerificationReport
    /// Held to what the original computes, as a file would hold it: the layers are known, weights are not.
    let layers: VerificationReport
    /// Asks the gate of a packed checkpoint and its original.
    init(_ packed: FilePath, of original: FilePath) throws {
      let packed = try OpenedModel(packed, catalogue: .builtIn())
      let original = try OpenedModel(original, catalogue: .builtIn())
      let model = try Model(packed.canonical)
      let verifier = try Verifier(
        model, gate: .quantised, roundedAgain: RoundedModels(packed.canonical), threads: 1)
      let tokens = TokenBatch.builtIn(for: model.configuration).limited(to: 48)
      let changes = try packed.valueChanges(in: original, byLevels: true, threads: 1)
      let other = try Model(original.canonical)
      self.original = try verifier.compare(with: other, tokens: tokens, changes: changes)
      layers = try verifier.compare(with: other, tokens: tokens)
    }

    /// Of the packed tensors, those outside the gate, and the worst of all.
    var outside: [String] { original.tensors.filter { !$0.passes }.map(\.name) }
    var worst: Double { original.tensors.map(\.gap.whole).max() ?? 0 }
    /// Whether the gate fails and names the layer that was spoilt, and no other.
    var isPlaced: Bool {
      !original.passes && original.firstDivergentLayer == QuantisedFaults.layer
        && original.faultyLayers == [QuantisedFaults.layer]
    }
    /// The layers alone: their error over what rounding explains, the worst of those that are sound.
    var worstSoundLayer: Double {
      original.layers.filter { $0.index != QuantisedFaults.layer }
        .map { ($0.step.relative / $0.step.rounding).squareRoot() }.max() ?? 0
    }
  }

  /// Packs the fixture and asks the gate.
  static func findings(_ form: QuantisedCopy.Form, _ fault: Fault?) throws -> Findings {
    let folder = try TemporaryDirectory()
    let source = try source(of: form, folder)
    let copy = try QuantisedCopy(
      source, as: form, fault: fault?.kind.map { ($0, of: module) })
    if let fault, fault.kind == nil { try shiftNorm(copy.checkpoint) }
    return try Findings(copy.checkpoint.path, of: source)
  }

  private static func source(of form: QuantisedCopy.Form, _ folder: TemporaryDirectory) throws
    -> FilePath
  {
    let plain = Fixtures.path(fixture)
    guard form == .mlx else { return plain }
    let path = folder.path.appending("mlx")
    try SoundCheckpoint.convert(
      OpenedModel(plain, catalogue: .builtIn()), to: "mlx-qwen3_5", at: path)
    return path
  }

  private static func shiftNorm(_ checkpoint: EditableCheckpoint) throws {
    try checkpoint.editWeights { file in
      guard let name = file.tensors.map(\.name).first(where: { $0.hasSuffix(norm) }),
        var tensor = file[name]
      else { return }
      tensor.floats = tensor.floats.map { $0 + 1 }
      file[name] = tensor
    }
  }
}
