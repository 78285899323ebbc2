import ArgumentParser
import Containers
import Conversion
import Diagnostics
import JSON
import Layouts
import Opening
import SystemPackage

/// `graft compose`: what a fine-tuned copy lost, from the checkpoint it came from.
struct ComposeCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "compose",
    abstract:
      "Give a fine-tuned copy back what it lost: vision tower, multi-token prediction, files.",
    discussion: """
      BASE is the fine-tuned copy, WITH the checkpoint it came from; the other order is understood as well, \
      because only one of them lacks something. All values of the text model are those of the copy; layout, \
      names and config are those of the other, and so are the files that the copy has not.

      Example: graft compose fixtures/huggingface/qwen3_5/text-bf16 fixtures/huggingface/qwen3_5/multimodal-mixed out --dry-run
      """)

  @Argument(help: "The fine-tuned copy.", completion: .file()) var base: String
  @Argument(help: "The checkpoint that it came from.", completion: .file()) var with: String
  @Argument(help: "The directory to write.", completion: .directory) var destination: String
  @Option(
    help: ArgumentHelp(
      "Take only these parts: vision, mtp, with commas; all that the copy lacks by default.",
      valueName: "parts"))
  var take: String?
  @Option(help: "The most tensor bytes in one file, such as 500MB or 2GiB.")
  var maxShardSize = "5GB"
  @OptionGroup var permission: AllowOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var common: CommonOptions

  func perform() throws -> Outcome {
    let catalogue = try common.catalogue()
    let parts = try take.map(Self.parts)
    let models = try [base, with].map { path in
      let model = try OpenedModel(
        FilePath(path), allowing: permission.strays, catalogue: catalogue)
      try model.checkPayload()
      try model.checkSigns()
      return model
    }
    let composition = try Composition(models[0], models[1], taking: parts)
    let plan = try CheckpointPlan(composing: composition, options: options(), in: catalogue)
    let (copy, origin) = (
      composition.copy.checkpoint.directory.string, composition.origin.checkpoint.directory.string
    )
    var outcome = try CheckpointJob(
      plan: plan, destination: destination, output: output, common: common
    ).outcome(
      headline: "\(copy) → \(destination), with parts of \(origin), layout \(plan.layout)")
    outcome.json["copy"] = .string(copy)
    outcome.json["origin"] = .string(origin)
    outcome.json["taken"] = .array(composition.taken.map { .string($0.rawValue) })
    return outcome
  }

  private static func parts(_ text: String) throws -> [Composition.Part] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let part = Composition.Part(rawValue: String(word)) else {
        throw Problem(
          .usage, "there is no such part", expected: "vision or mtp", found: String(word),
          remedy: "name parts with commas, such as --take vision,mtp, or leave --take out")
      }
      return part
    }
  }

  private func options() throws -> ConversionOptions {
    var options = ConversionOptions()
    options.maximumShardSize = try ByteSize(maxShardSize).bytes
    options.allowsLoss = permission.allow.contains(.lossy)
    options.allowed = permission.strays
    options.allowsCode = permission.allow.contains(.code)
    return options
  }
}
