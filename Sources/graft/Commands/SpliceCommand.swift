import ArgumentParser
import Calibration
import Canonical
import Conversion
import Diagnostics
import JSON
import Opening
import Runtime
import Splicing
import SystemPackage
import Verification

/// `graft splice`: replaces layers of Gated DeltaNet or Kimi Delta Attention by M²RNN layers.
struct SpliceCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "splice",
    abstract:
      "Replace layers of Gated DeltaNet or Kimi Delta Attention by M2RNN layers (arXiv 2603.14360).",
    discussion: """
      M2RNN does not contain the delta rule, so that no replacement keeps the function exactly; \
      the gap is measured on --tokens or a built-in prompt.

      Example: graft splice fixtures/trained/pytiny out --layer 0 --init zero
      """)

  @Argument(help: "The checkpoint to read.", completion: .file()) var sourcePath: String
  @Argument(help: "The directory to write.", completion: .directory) var destination: String
  @Option(
    name: .customLong("layer"),
    help:
      "The layers to replace: N, N,M or N-M; all, or auto for those that cost least on --tokens.",
    completion: .layers)
  var layers: String?
  @Option(help: "How many layers auto takes; 1 by default.") var top: Int?
  @Option(
    help: "A file that lists layers with sizes and strategies: .yaml or .json.",
    completion: .file())
  var recipe: String?
  @Option(
    name: .customLong("init"),
    help: "How the new layer gets its values; reference by default.")
  var initialisation: Splice.Initialisation?
  @Option(help: "The seed of what is drawn; 0 by default.") var seed: UInt64?
  @Option(help: "The steps of optimisation of calibrate; 1000 by default.") var steps: Int?
  @Option(help: "The checkpoint whose M2RNN layer is taken (donor).", completion: .file())
  var donor: String?
  @Option(help: "Which layer of the donor; its first M2RNN layer by default.") var donorLayer: Int?
  @Option(help: "K, the head dim of queries and keys; 64 by default.") var kHeadDim: Int?
  @Option(help: "V, the head dim of values; 16 by default.") var vHeadDim: Int?
  @Option(help: "N, the number of heads; by default parameters match the replaced layer.")
  var heads: Int?
  @Option(
    help: "Write a page with the layer's error by position and by head to this file (HTML).",
    completion: .file())
  var report: String?
  @OptionGroup var permission: AllowOptions
  @OptionGroup var tokens: TokenOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard (layers == nil) != (recipe == nil) else {
      throw ValidationError("Give either --layer or --recipe.")
    }
    guard recipe == nil || !hasLayerOptions else {
      throw ValidationError("A recipe says how layers are made; leave the options for that out.")
    }
    guard layers == "auto" || top == nil else { throw ValidationError("--top needs --layer auto.") }
    guard initialisation == .calibrate || steps == nil, steps ?? 0 >= 0 else {
      throw ValidationError("--steps needs --init calibrate and a number of 0 or more.")
    }
    guard initialisation == .donor || (donor == nil && donorLayer == nil) else {
      throw ValidationError("--donor and --donor-layer need --init donor.")
    }
    guard initialisation != .donor || (kHeadDim == nil && vHeadDim == nil && heads == nil) else {
      throw ValidationError("A donor brings its own sizes; leave them out.")
    }
  }

  private var hasLayerOptions: Bool {
    initialisation != nil || seed != nil || donor != nil
      || [steps, donorLayer, kHeadDim, vHeadDim, heads].contains { $0 != nil }
  }

  func perform() throws -> Outcome {
    let model = try OpenedModel(sourcePath, source, in: common.catalogue())
    // Only a source that Graft computes, and whose values mean what its layout says, is spliced.
    try locating(.file(sourcePath)) { try model.layout.requireUnderstood() }
    try model.requireHead()
    try model.checkPayload()
    try model.checkSigns()
    // Which layers, and how: as the command line says, by their cost, or as a recipe says.
    var job = try job(model)
    let ranking = try locating(.file(sourcePath)) { try self.ranking(job) }
    job.groups =
      try recipe.map(SpliceRecipe.read) ?? [group(try ranking?.chosen ?? layerList(model))]
    return try perform(job, on: model, ranking)
  }

  private func job(_ model: OpenedModel) throws -> SpliceJob {
    let catalogue = try common.catalogue()
    var job = SpliceJob(model.canonical, original: model.runnable) {
      try OpenedModel(FilePath($0), catalogue: catalogue).canonical
    }
    job.tokens = try tokens.batch(for: model)
    job.tokensFile = tokens.origin
    job.threads = common.threads
    job.observer = common
    return job
  }

  private func perform(_ job: SpliceJob, on model: OpenedModel, _ ranking: SpliceRanking?) throws
    -> Outcome
  {
    // The place of the page is tried before the long work begins.
    let page = try report.map(PageFile.init)
    let (edited, reports) = try locating(.file(sourcePath)) { try job.replaced() }
    let plan = try CheckpointPlan(
      editing: model, to: edited, layers: job.layers,
      allowsCode: permission.allow.contains(.code))
    let list = job.layers.map(String.init).joined(separator: ",")
    let headline = "\(sourcePath) → \(destination), layer \(list) replaced by M²RNN"
    // The gap is measured on the finished output, before it appears under its name.
    var gap: SpliceGap?
    var outcome = try CheckpointJob(
      plan: plan, destination: destination, output: output, common: common
    ).outcome(headline: headline) { gap = try measure(job, edited, $0.runnable) }
    if job.tokens != nil, output.dryRun { gap = try measure(job, edited) { try Model(edited) } }
    SpliceSummary(from: job.source.configuration, to: edited.configuration, job.layers, reports)
      .add(to: &outcome)
    gap?.add(to: &outcome)
    if let page, let gap {
      let verdict = SpliceVerdict(gap, of: job, ranking)
      let report = SpliceReport(
        title: headline, verdict: verdict, lines: outcome.text, ranking: ranking,
        layers: Self.layers(gap, of: edited, job))
      try page.write(report.page)
    }
    ranking?.add(to: &outcome)
    return outcome
  }

  private static func layers(_ gap: SpliceGap, of edited: CanonicalModel, _ job: SpliceJob)
    -> [SpliceReport.Layer]
  {
    gap.stages.map { stage in
      let error = stage.gap.mixer
      return SpliceReport.Layer(
        index: stage.layer, positions: error.bars(64),
        heads: job.headErrors(edited, layer: stage.layer), error: error.value)
    }
  }

  /// Compares with the source; a model that Graft does not compute is left alone unless tokens are given.
  private func measure(
    _ job: SpliceJob, _ edited: CanonicalModel, _ written: () throws -> Model
  ) throws -> SpliceGap? {
    let canRun = job.source.configuration.layers.allSatisfy(\.mixer.isComputed)
    guard job.tokens != nil || canRun else { return nil }
    return try locating(.file(sourcePath)) {
      try SpliceGap(job, edited: edited, written: written())
    }
  }

  private func ranking(_ job: SpliceJob) throws -> SpliceRanking? {
    guard layers == "auto" else { return nil }
    return try SpliceRanking(job, group([]), top: top ?? 1)
  }

  private func group(_ layers: [Int]) -> SpliceGroup {
    var group = SpliceGroup(layers: layers)
    group.initialisation = initialisation ?? .reference
    group.sizing = sizing
    group.seed = seed ?? 0
    (group.steps, group.donor, group.donorLayer) = (steps, donor, donorLayer)
    return group
  }

  private func layerList(_ model: OpenedModel) throws -> [Int] {
    try locating(.file(sourcePath)) { try Splice.layers(layers ?? "", of: model.configuration) }
  }

  private var sizing: M2RNNSizing {
    var sizing = M2RNNSizing()
    sizing.keyDim = kHeadDim ?? sizing.keyDim
    sizing.valueDim = vHeadDim ?? sizing.valueDim
    sizing.heads = heads
    return sizing
  }
}

extension Splice.Initialisation: ExpressibleByArgument {}

/// The terminal tells how far the long parts of a splice are.
extension CommonOptions: SpliceObserver {
  func fitting<Result>(
    layer: Int, steps: Int, _ fit: (_ reach: (Double) -> Void) throws -> Result
  ) throws -> Result {
    let progress = Progress("fitting layer \(layer)", total: steps, self)
    defer { progress.finish() }
    return try fit(progress.reach)
  }

  func measuring<Result>(
    layer: Int?, positions: Int, _ measure: (_ advance: (Int) -> Void) throws -> Result
  ) throws -> Result {
    let what = layer.map { "measuring layer \($0)" } ?? "measuring"
    return try watched(what, total: positions, of: .positions) { try measure($0) }
  }
}
