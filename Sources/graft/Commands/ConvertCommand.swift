import Adapters
import ArgumentParser
import Containers
import Conversion
import Diagnostics
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors
import Verification

/// `graft convert`: another layout, container or dtype, other shards.
struct ConvertCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a checkpoint in another layout, container, dtype or shard size.",
    discussion: """
      What the other layout cannot hold exactly is refused with every reason; --explain only compares.

      Example: graft convert fixtures/huggingface/qwen3_next/bf16 out --to mlx-qwen3_next
      """)

  @Argument(help: "The checkpoint to read.", completion: .file()) var sourcePath: String
  @Argument(help: "The directory to write.", completion: .directory) var destination: String?
  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "The layout to write; that of the source by default.",
      discussion: "mlx or gguf stands for the layout of that library for this model."),
    completion: .writtenLayouts)
  var layout: String?
  @Option(
    help: "The kind of file; that of the source by default, safetensors in another layout.")
  var container: Container?
  @Option(
    help: "The form of the layout, as graft formats lists them; that of the source by default.",
    completion: .forms)
  var form: String?
  @Option(help: "The type of weights, or keep that of each.") var dtype = DTypeChoice.keep
  @Option(
    name: .customLong("dtype-for"),
    help: ArgumentHelp(
      "PATTERN=TYPE: the dtype of tensors whose name matches, * standing for any text.",
      discussion: "Where several match, the last counts."))
  var dtypeFor: [String] = []
  @Option(
    help: ArgumentHelp(
      "A file of such rules, one in a line; they come before those of --dtype-for.",
      valueName: "FILE"), completion: .file())
  var dtypeRules: String?
  @Option(
    name: [.customLong("quantise"), .customLong("quantize")],
    help: "Quantise weights as the library that reads them does it.")
  var quantise: QuantisationKind?
  @Option(
    name: [.customLong("group-size"), .customLong("q-group-size")],
    help: ArgumentHelp(
      "32, 64 or 128 values that share a scale, for mlx-2bit to mlx-8bit; 64 by default.",
      valueName: "N"))
  var groupSize: Int?
  @Option(
    help: ArgumentHelp(
      "The importance matrix of llama-imatrix by which blocks of GGUF are rounded.",
      valueName: "FILE"), completion: .file())
  var imatrix: String?
  @OptionGroup var tokens: TokenFileOptions
  @Option(help: "The most tensor bytes in one file, such as 500MB or 2GiB.")
  var maxShardSize = "5GB"
  @Option(
    help: ArgumentHelp(
      "The keys under which a trainer looks for the model in --container dcp.",
      discussion: "state/model. for lm-engine; most others look for the names alone."))
  var keyPrefix: String?
  @Option(
    help: ArgumentHelp(
      "N or config: cut or pad the vocabulary to N tokens, or to those of the config.",
      discussion: "Rows that are cut off must be unused or equal; new ones are zeros.",
      valueName: "N"))
  var vocabulary: String?
  @Option(
    name: .customLong("adapter"),
    help: ArgumentHelp(
      "Merge a LoRA adapter, as the library that trained it does; several in this order.",
      discussion: """
        A directory of PEFT or mlx-lm, or a GGUF file, for a base in whatever layout; =SCALE multiplies what \
        it changes.
        """,
      valueName: "DIR[=SCALE]"), completion: .directory)
  var adapters: [String] = []
  @Option(help: "What becomes of the tensors of multi-token prediction.") var mtp = MTPChoice.keep
  @OptionGroup var permission: AllowOptions
  @Flag(help: "Compare fact by fact and write nothing; with every layout where none is named.")
  var explain = false
  @Option(
    help: ArgumentHelp(
      "I/N: write only the I-th of N shares of the files.",
      discussion:
        "Jobs on many machines write parts of one output; --finish then completes it."))
  var part: String?
  @Flag(help: "Check what all parts wrote and complete the output.") var finish = false
  @OptionGroup var output: OutputOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard explain || destination != nil else {
      throw ValidationError("Name the directory to write, or ask for --explain.")
    }
    guard tokens.tokens == nil || (quantise != nil && part == nil && !finish) else {
      throw ValidationError("--tokens measures what --quantise costs, in a run that writes it all.")
    }
    guard quantise == nil || dtype == .keep else {
      throw ValidationError("--quantise says the types of weights; leave out --dtype.")
    }
    guard quantise != nil || groupSize == nil else {
      throw ValidationError("--group-size goes with --quantise.")
    }
    guard quantise != nil || imatrix == nil else {
      throw ValidationError("--imatrix goes with --quantise.")
    }
    guard part == nil || !finish else {
      throw ValidationError("--finish comes after all parts; leave out --part.")
    }
    guard !output.hidesManifest || (part == nil && !finish) else {
      throw ValidationError("Parts are recognised by their hashes; leave out --no-manifest.")
    }
  }

  var allow: Set<Allowance> { permission.allow }

  /// The kinds of tensors without a place that may be left out.
  var strays: Set<StrayTensor> {
    mtp == .drop ? permission.strays.union([.prediction]) : permission.strays
  }

  func perform() throws -> Outcome {
    let options = try options()
    let catalogue = try common.catalogue()
    let model = try OpenedModel(sourcePath, source, allowing: strays, in: catalogue)
    guard let destination, !explain else { return try explained(model, catalogue, options) }
    // Only a source whose values mean what its layout says is converted.
    try locating(.file(sourcePath)) { try model.layout.requireUnderstood() }
    try model.checkPayload(byReading: true)
    try model.checkSigns()
    return try converted(try merged(model, catalogue), options, to: destination, catalogue)
  }

  /// The model with all adapters merged into it, one after the other.
  private func merged(_ model: OpenedModel, _ catalogue: LayoutCatalogue) throws -> OpenedModel {
    try adapters.reduce(model) { model, text in
      try model.merging(
        try Adapter(text), dequantisingTo: quantise == nil ? dtype.type : nil, catalogue: catalogue)
    }
  }

  private func converted(
    _ model: OpenedModel, _ options: ConversionOptions, to destination: String,
    _ catalogue: LayoutCatalogue
  ) throws -> Outcome {
    let target = try model.target(
      named(model, options, catalogue) ?? model.layout.id, form: form, cast: dtype.type,
      quantising: quantise,
      leaving: strays, in: catalogue)
    let plan = try CheckpointPlan(converting: model, to: target, options: options)
    let batch = try tokens.batch(for: model)
    var (loss, gap): (RoundingLoss?, EpsilonGap?) = (nil, nil)
    var outcome = try CheckpointJob(
      plan: plan, destination: destination, output: output, common: common,
      task: try part.map { .part(try Share($0)) } ?? (finish ? .finish : .everything),
      request: named(options)
    ).outcome(headline: "\(sourcePath) → \(destination), layout \(target.id)") { written in
      gap = try EpsilonGap.prompt(for: plan).map {
        EpsilonGap(plan.allowed, try compared(written, with: model, on: $0))
      }
      loss = try batch.map { RoundingLoss(try compared(written, with: model, on: $0)) }
    }
    gap?.add(to: &outcome)
    loss?.add(to: &outcome)
    return outcome
  }

  /// Runs what was written and its source on the same tokens.
  private func compared(
    _ written: OpenedModel, with model: OpenedModel, on batch: TokenBatch
  ) throws -> VerificationReport {
    let (computed, expected) = (try written.runnable(), try model.runnable())
    return try common.watched("comparing", total: 2 * batch.positions, of: .positions) { progress in
      try Verifier(computed, gate: .bf16, threads: common.threads, progress: progress)
        .compare(with: expected, tokens: batch)
    }
  }

  /// The id of the layout that `--to` names; nil without it.
  func named(
    _ model: OpenedModel, _ options: ConversionOptions, _ catalogue: LayoutCatalogue
  ) throws -> String? {
    try layout.map { try model.layoutID(meantBy: $0, options: options, in: catalogue) }
  }

  private func explained(
    _ model: OpenedModel, _ catalogue: LayoutCatalogue, _ options: ConversionOptions
  ) throws -> Outcome {
    let layout = try named(model, options, catalogue)
    let model = model.layout.inspectOnly == nil ? try merged(model, catalogue) : model
    let explanations = try (layout.map { [$0] } ?? catalogue.ids).map {
      try ConversionExplanation(
        model,
        to: model.target(
          $0, form: form, cast: dtype.type, quantising: quantise, leaving: strays, in: catalogue),
        options: options)
    }
    return ExplanationSummary(
      model.layout.id, explanations, adapters: model.adapters, isDetailed: layout != nil
    ).outcome
  }
}
