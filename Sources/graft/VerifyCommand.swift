import ArgumentParser
import Conversion
import Diagnostics
import JSON
import Layouts
import SystemPackage
import Verification

/// `graft verify`: logits of a model against a reference file or another model.
struct VerifyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Compare logits with a reference file or another checkpoint; name the first layer that differs.",
    discussion: """
      Every position counts, in one piece and token by token. Exit code 1 where the gate fails.

      Example: graft verify fixtures/trained/pytiny --reference fixtures/trained/pytiny/reference.safetensors
      """)

  @Argument(help: "The checkpoint to verify.") var path: String
  @Argument(help: "The checkpoint that counts as the reference.") var other: String?
  @Option(help: "A file with input_ids, logits and perhaps hidden.i.") var reference: String?
  @Option(
    help: """
      f32 (max abs ≤ 2e-4 · max(1, std), NMSE ≤ 1e-8, max KL ≤ 1e-6), bf16 (mean KL ≤ 5e-3, \
      max KL ≤ 0.1, top-1 ≥ 99 %, NMSE ≤ 1e-4), or the largest difference allowed.
      """)
  var gate = "f32"
  @OptionGroup var tokens: TokenOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (other == nil) != (reference == nil) else {
      throw ValidationError("Give either a second checkpoint or --reference FILE.")
    }
    guard reference == nil || tokens.tokens == nil else {
      throw ValidationError("--reference brings its own tokens; leave --tokens out.")
    }
  }

  func perform() throws -> Outcome {
    let gate = try Gate(gate)
    let model = try OpenedModel(path, source)
    let verifier = try Verifier(model.runnable(), gate: gate, threads: common.threads)
    if let reference {
      let file = try ReferenceFile(FilePath(reference))
      return outcome(try verifier.compare(with: file, file: reference), against: reference)
    }
    let second = other ?? ""
    let expected = try OpenedModel(FilePath(second), catalogue: .builtIn())
    let batch =
      try tokens.batch(vocabulary: model.configuration.vocabulary)
      ?? .builtIn(for: model.configuration)
    let report = try Problem.placing({ $0.inFile("\(path) and \(second)") }) {
      try verifier.compare(with: expected.runnable(), tokens: batch)
    }
    let diff = DiffSummary(
      try CheckpointDiff(model, expected, threads: common.threads), path, second)
    var outcome = outcome(report, against: second)
    outcome.json["diff"] = .object(diff.json)
    outcome.text.insert(diff.headline, at: 0)
    return outcome
  }

  private func outcome(_ report: VerificationReport, against: String) -> Outcome {
    var lines = [
      "\(report.passes ? "same" : "differs"): \(path) against \(against), gate \(report.gate.text)",
      line("in one piece", report.logits), line("token by token", report.stepped),
    ]
    for (name, report) in report.named {
      lines.append(line("\(name), in one piece", report.logits))
      lines.append(line("\(name), token by token", report.stepped))
    }
    if let layer = report.firstDivergentLayer {
      let mixer = report.layers.indices.contains(layer) ? " (\(report.layers[layer].mixer))" : ""
      lines.append("  first divergent layer: \(layer)\(mixer)")
    } else if !report.passes {
      lines.append(
        report.layers.isEmpty
          ? "  the reference lacks hidden states of some layers, which would tell the layer"
          : "  all layers agree: the final norm or the head differs")
    }
    if common.verbose, !report.layers.isEmpty { lines += layerTable(report).lines }
    return Outcome(json: report.json, text: lines, exitCode: report.passes ? 0 : 1)
  }

  private func line(_ what: String, _ logits: LogitComparison) -> String {
    "  \(what): \(logits.positions) positions, max abs \(Quantity.significant(logits.maxAbs)), "
      + "NMSE \(Quantity.significant(logits.nmse)), max KL \(Quantity.significant(logits.maxKL)), "
      + "top-1 \(Quantity.significant(100 * logits.top1Agreement)) %"
  }

  private func layerTable(_ report: VerificationReport) -> TextTable {
    var table = TextTable(header: ["layer", "mixer", "max abs", "NMSE"], leading: 2)
    for layer in report.layers {
      table.add([
        "\(layer.index)", layer.mixer, Quantity.significant(layer.hidden.maxAbs),
        Quantity.significant(layer.hidden.nmse),
      ])
    }
    return table
  }
}
