import Foundation
import JSON
import Verification

/// The tables of `docs/faults.md` and the rows of `docs/faults.json`.
struct FaultTables {
  let results: [FaultResult]

  init(_ results: [FaultResult]) { self.results = results }

  /// Writes `faults.md` and `faults.json` into a folder.
  func write(to folder: URL) throws {
    let limits = try DetectionLimits.table([
      "huggingface/qwen3_5_moe/text-f32", "lm-engine/m2rnn-1l",
    ])
    let mistakes = try mistakeTable()
    try Data(page(limits, mistakes).utf8).write(to: folder.appendingPathComponent("faults.md"))
    let rows = results.map { "  " + row($0).text(indent: 0) }.joined(separator: ",\n")
    try Data("[\n\(rows)\n]\n".utf8).write(to: folder.appendingPathComponent("faults.json"))
  }

  private func row(_ result: FaultResult) -> JSONValue {
    let report = result.findings.source
    func layer(_ report: VerificationReport?) -> JSONValue {
      report?.firstDivergentLayer.map { JSONValue($0) } ?? .null
    }
    return .object([
      "fault": .string(result.fault.id), "base": .string(result.base.name),
      "detectors": .array(result.detectors.sorted().map { .string($0) }),
      "layer": result.expectedLayer.map { JSONValue($0) } ?? .null, "named": layer(report),
      "max_abs": report.map { JSONValue($0.logits.maxAbs) } ?? .null,
      "nmse": report.map { JSONValue($0.logits.nmse) } ?? .null,
      "max_kl": report.map { JSONValue($0.logits.maxKL) } ?? .null,
      "over_gate": report.map { JSONValue($0.excess) } ?? .null,
      "floor": JSONValue(result.floor),
      "missed_by": .array((missed(result) ?? []).map { .string($0) }),
    ])
  }

  /// The gates of other tools that the fault passes; nil where it is not run.
  func missed(_ result: FaultResult) -> [String]? {
    result.findings.peers?.missed(largestChange: result.findings.largestChange)
  }

  private func page(_ limits: String, _ mistakes: String) -> String {
    [
      Self.beginning, faultTable, Self.mistakesHead, mistakes, Self.limitsHead, limits, Self.middle,
      peerTable, Self.baseHead,
      baseTable,
    ]
    .joined(separator: "\n\n") + "\n"
  }

  private static let beginning = """
    # Faults

    `make faults` plants every fault of [fixtures/faults.json](../fixtures/faults.json) in checkpoints of every layout, \
    asks every detector, and writes this page and [faults.json](faults.json). A fault that no detector sees, or that \
    verify places in another layer than the one that was spoilt, fails the command. `make test` plants each fault once. \
    Faults of quantised weights have [a page of their own](faults-quantised.md).

    A fault changes stored elements, named by what they are in the model, config keys or files of a sound checkpoint. \
    Most are reports of users of other tools, which the table links. The columns say:

    - **output alone**: what `graft inspect` (`refused`, or `sign` for values that contradict the layout), `graft inspect \
    --audit` and `graft convert` see where nothing but the output is there;
    - **diff**: in how many of the checkpoints `graft diff` with the original shows it;
    - **f32**, **bf16**: in how many `graft verify` with the original fails, on the built-in prompt of 512 tokens; \
    **layer**: in how many of these it names the spoilt layer, or none for the head;
    - **recorded**: in how many verify fails with the logits that the original implementation recorded;
    - **over gate**: the largest difference of a logit over what the f32 gate allows, and **over floor**: over what the \
    sound checkpoint differs from the original implementation, both in the first checkpoint of the row;
    - **missed by**: checks of other tools that pass all the same in that checkpoint.

    ## Faults and detectors
    """

  private static let mistakesHead = """
    ## Programs that compute something else

    A sound checkpoint held to what a program with a mistake recorded, logits and hidden states of 16 tokens. \
    `fixtures/scripts/make_fault_references.py` makes the mistakes in an implementation in float64:
    """

  private static let limitsHead = """
    ## Detection limits

    Between two checkpoints every tensor is compared by value, whatever its kind: under gate `f32` one element that is off \
    by 2⁻²¹ of itself (5e-7) is found, under `bf16` one that is off by more than 1.125 · 2⁻⁸ (4.4e-3), which no rounding to BF16 \
    is. `A_log` and norms around zero count from a magnitude of 1, numbers below 2⁻¹⁵ from there. Only where several tensors of \
    one layer differ and make up for each other, as heads in another order do, what the layer computes decides.

    With what an original recorded, hidden states too, a layer's outputs have to show it. The smallest relative change of \
    those tried (0.1, 0.03, 0.01 … 1e-6) that `graft verify --reference` sees, of a whole tensor and of its largest element; – for \
    none, as of an expert that no token of the reference uses:
    """

  private static let middle = """
    ## Checks of other tools

    On the faults that can be run, in the trained checkpoint `qwen3_5` and in all checkpoints. Short is the median of \
    twelve prompts of 6 tokens, long one prompt of 512; both look at the last token alone.
    """

  private static let baseHead = """
    ## Checkpoints

    The floor is the largest difference of a logit between the sound checkpoint in Graft and the original \
    implementation.
    """
}
