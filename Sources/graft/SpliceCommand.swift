import ArgumentParser
import Canonical
import Conversion
import Diagnostics
import JSON
import Runtime
import Splicing
import SystemPackage
import Verification

/// `graft splice`: replaces Gated DeltaNet layers by M²RNN layers.
struct SpliceCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "splice",
    abstract: "Replace Gated DeltaNet layers by M²RNN layers (arXiv 2603.14360).",
    discussion: """
      M²RNN does not contain Gated DeltaNet, so that no replacement keeps the function exactly; the gap is
      measured on --tokens or a built-in prompt.

      Example: graft splice fixtures/trained/pytiny out --layer 0 --init zero
      """)

  @Argument(help: "The checkpoint to read.") var sourcePath: String
  @Argument(help: "The directory to write.") var destination: String
  @Option(name: .customLong("layer"), help: "The layers to replace: N or N,M,…") var layers: String
  @Option(
    name: .customLong("init"),
    help: "How the new layer gets its values: reference, zero, transfer, calibrate or donor.")
  var strategy = SpliceStrategy.reference
  @Option(help: "The seed of what is drawn.") var seed: UInt64 = 0
  @Option(help: "The steps of optimisation of calibrate; 1000 by default.") var steps: Int?
  @Option(help: "The checkpoint whose M²RNN layer is taken (donor).") var donor: String?
  @Option(help: "Which layer of the donor; its first M²RNN layer by default.") var donorLayer: Int?
  @Option(help: "K, the head dim of queries and keys; 64 by default.") var kHeadDim: Int?
  @Option(help: "V, the head dim of values; 16 by default.") var vHeadDim: Int?
  @Option(help: "N, the number of heads; by default parameters match the replaced layer.")
  var heads: Int?
  @OptionGroup var tokens: TokenOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard strategy == .donor || (donor == nil && donorLayer == nil) else {
      throw ValidationError("--donor and --donor-layer need --init donor.")
    }
    guard strategy == .calibrate || steps == nil, steps ?? 0 >= 0 else {
      throw ValidationError("--steps needs --init calibrate and a number of 0 or more.")
    }
    guard strategy != .donor || (kHeadDim == nil && vHeadDim == nil && heads == nil) else {
      throw ValidationError("A donor brings its own sizes; leave them out.")
    }
  }

  func perform() throws -> Outcome {
    let model = try OpenedModel(sourcePath, source)
    try Problem.placing({ $0.inFile(sourcePath) }) { try model.layout.requireUnderstood() }
    try model.checkPayload()
    try model.checkSigns()
    let batch = try tokens.batch(vocabulary: model.configuration.vocabulary)
    let job = SpliceJob(source: model, groups: [try group()], tokens: batch, common: common)
    let (edited, reports) = try Problem.placing({ $0.inFile(sourcePath) }) { try job.replaced() }
    let plan = try CheckpointPlan(editing: model, to: edited, layers: job.layers)
    var gap: SpliceGap?
    var outcome = try CheckpointJob(
      plan: plan, source: model, destination: destination, output: output, common: common
    ).outcome(headline: "\(sourcePath) → \(destination), layer \(layers) replaced by M²RNN") {
      gap = try measure(job, edited, $0.runnable)
    }
    if batch != nil, output.dryRun { gap = try measure(job, edited) { try Model(edited) } }
    SpliceSummary(from: model.configuration, to: edited.configuration, job.layers, reports)
      .add(to: &outcome)
    gap?.add(to: &outcome)
    return outcome
  }

  /// Compares with the source; a model that Graft does not compute is left alone unless tokens are given.
  private func measure(
    _ job: SpliceJob, _ edited: CanonicalModel, _ written: () throws -> Model
  ) throws -> SpliceGap? {
    let canRun = job.source.configuration.layers.allSatisfy { $0.mixer.mark != "?" }
    guard job.tokens != nil || canRun else { return nil }
    return try Problem.placing({ $0.inFile(sourcePath) }) {
      try SpliceGap(job, edited: edited, written: written())
    }
  }

  private func group() throws -> SpliceGroup {
    SpliceGroup(
      layers: try layerList(), strategy: strategy, sizing: sizing, seed: seed, steps: steps,
      donor: donor, donorLayer: donorLayer)
  }

  private func layerList() throws -> [Int] {
    try layers.split(separator: ",", omittingEmptySubsequences: false).map { text in
      guard let layer = Int(text), layer >= 0 else {
        throw Problem(.usage, "not a list of layers", expected: "N or N,M,…", found: layers)
      }
      return layer
    }
  }

  private var sizing: M2RNNSizing {
    var sizing = M2RNNSizing()
    sizing.keyDim = kHeadDim ?? sizing.keyDim
    sizing.valueDim = vHeadDim ?? sizing.valueDim
    sizing.heads = heads
    return sizing
  }
}
