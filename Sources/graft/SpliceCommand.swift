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
      M²RNN does not contain Gated DeltaNet, so that no replacement keeps the function exactly; with
      --tokens the gap is measured.

      Example: graft splice fixtures/trained/pytiny out --layer 0 --init zero
      """)

  @Argument(help: "The checkpoint to read.") var sourcePath: String
  @Argument(help: "The directory to write.") var destination: String
  @Option(name: .customLong("layer"), help: "The layers to replace: N or N,M,…") var layers: String
  @Option(
    name: .customLong("init"),
    help: "How the new layer gets its values: reference, zero, transfer or donor.")
  var strategy = Strategy.reference
  @Option(help: "The seed of what is drawn.") var seed: UInt64 = 0
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

  enum Strategy: String, ExpressibleByArgument, CaseIterable {
    case reference, zero, transfer, donor
  }

  func validate() throws {
    guard strategy == .donor || (donor == nil && donorLayer == nil) else {
      throw ValidationError("--donor and --donor-layer need --init donor.")
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
    let splice = Splice(
      layers: try layerList(), sizing: sizing, initialisation: try initialisation())
    let edited = try Problem.placing({ $0.inFile(sourcePath) }) {
      try splice.applied(to: model.canonical)
    }
    let plan = try CheckpointPlan(editing: model, to: edited, layers: splice.layers)
    var gap: LogitComparison?
    var outcome = try CheckpointJob(
      plan: plan, source: model, destination: destination, output: output, common: common
    ).outcome(headline: "\(sourcePath) → \(destination), layer \(layers) replaced by M²RNN") {
      if let batch { gap = try measure(batch, model, try $0.runnable()) }
    }
    if let batch, output.dryRun { gap = try measure(batch, model, try Model(edited)) }
    SpliceSummary(from: model.configuration, to: edited.configuration, splice.layers)
      .add(to: &outcome)
    if let gap { report(gap, in: &outcome) }
    return outcome
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

  private func initialisation() throws -> Splice.Initialisation {
    switch strategy {
    case .reference: return .reference(seed: seed)
    case .zero: return .zero(seed: seed)
    case .transfer: return .transfer(seed: seed)
    case .donor:
      guard let donor else {
        throw Problem(.usage, "--init donor needs a donor", remedy: "add --donor PATH")
      }
      let model = try OpenedModel(FilePath(donor), catalogue: .builtIn())
      let first = model.configuration.layers.firstIndex { $0.mixer.mark == "M" }
      return .donor(model.canonical, layer: donorLayer ?? first ?? 0, file: donor)
    }
  }

  /// Runs the source and the changed model over the tokens.
  private func measure(_ batch: TokenBatch, _ source: OpenedModel, _ changed: Model) throws
    -> LogitComparison
  {
    try Problem.placing({ $0.inFile(sourcePath) }) {
      try FunctionGap.measured(
        changed, against: source.runnable(), batch, threads: common.threads)
    }
  }

  private func report(_ gap: LogitComparison, in outcome: inout Outcome) {
    outcome.json["function_gap"] = .object(gap.json)
    outcome.text.append(
      "  function gap over \(Quantity.of(gap.positions, "position")): mean KL "
        + "\(Quantity.significant(gap.meanKL)) nats, max KL \(Quantity.significant(gap.maxKL)), "
        + "top-1 agreement \(Quantity.significant(100 * gap.top1Agreement)) %")
  }
}
