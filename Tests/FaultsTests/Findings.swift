import Canonical
import Comparison
import Containers
import Conversion
import Diagnostics
import Layouts
import Opening
import Runtime
import SystemPackage

@testable import Verification

/// What each detector says of a checkpoint, asked in the order in which the commands ask.
struct Findings {
  /// Why the checkpoint cannot be opened, or run; nil where it can.
  private(set) var refusal: String?
  /// The doubts that values raise.
  private(set) var signs: [String] = []
  /// The kinds of what cannot be meant.
  private(set) var audit: [String] = []
  /// Why it is not converted; nil where it is.
  private(set) var conversion: String?
  /// How many tensors, keys and files differ from the original.
  private(set) var differences = 0
  /// The largest difference of a stored value.
  private(set) var largestChange = 0.0
  /// The comparison with the original checkpoint, and with what the original implementation recorded.
  private(set) var source: VerificationReport?
  private(set) var reference: VerificationReport?
  /// What the checks of other tools would have seen.
  private(set) var peers: PeerGates?

  /// Asks every detector.
  init(of path: FilePath, _ sound: SoundCheckpoint) throws {
    do {
      let model = try OpenedModel(path, catalogue: .builtIn())
      signs = try model.signs().filter(\.isDoubt).map(\.text)
      audit = try Audit(model, threads: 1).findings.filter { $0.severity == .error }.map(\.kind)
      conversion = Self.text { try Self.convert(model) }
      compare(try CheckpointDiff(sound.opened, model, threads: 1))
      try run(model, sound)
    } catch let problem as Problem {
      refusal = problem.each.map(\.what).joined(separator: "; ")
      if let (a, b) = try? (StoredCheckpoint.open(sound.path), StoredCheckpoint.open(path)) {
        compare(try CheckpointDiff(a, b, threads: 1))
      }
    }
  }

  private mutating func compare(_ diff: CheckpointDiff) {
    differences = diff.tensors.count + diff.config.count + diff.files.count
    largestChange = diff.tensors.compactMap(\.values?.maxAbs).max() ?? 0
  }

  private mutating func run(_ opened: OpenedModel, _ sound: SoundCheckpoint) throws {
    try opened.checkPayload()
    let model = try Model(opened.canonical)
    let verifier = try Verifier(model, gate: .f32, threads: 1)
    let changes = try opened.valueChanges(in: sound.opened, threads: 1)
    let isRounding = try opened.isRounding(of: sound.opened, threads: 1)
    source = try verifier.compare(
      with: sound.model, tokens: sound.tokens, changes: changes,
      isRounding: isRounding)
    reference = try sound.recorded.map { try verifier.compare(with: $0, file: "reference") }
    peers = try sound.peerPrompts.map { try PeerGates(model, expected: $0) }
  }

  /// What `graft convert` does before it writes anything.
  private static func convert(_ model: OpenedModel) throws {
    try model.layout.requireUnderstood()
    try model.checkPayload()
    try model.checkSigns()
    _ = try CheckpointPlan(converting: model, to: model.layout, options: ConversionOptions())
  }

  private static func text(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return error.asProblems.map(\.what).joined(separator: "; ") }
    return nil
  }
}

extension VerificationReport {
  /// The same comparison held to another gate.
  func judged(by gate: Gate) -> VerificationReport {
    var report = self
    report.gate = gate
    return report
  }

  /// How far outside the f32 gate the worse of both runs is: its largest difference over the limit.
  var excess: Double {
    max(logits.maxAbs, stepped.maxAbs) / (2e-4 * max(1, logits.deviation))
  }
}
