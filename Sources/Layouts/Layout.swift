import Canonical
import Tensors

/// A layout: how a family of checkpoints names, shapes and orders the tensors of a model.
///
/// A layout is data, read from one file of `formats/`; nothing about it is written in Swift.
public struct Layout: Sendable {
  /// The name users give on the command line.
  public let id: String
  /// Which of the forms on disk it is, for a layout that has several.
  public let form: LayoutForm
  /// What the layout is, one sentence.
  public let about: String
  /// The version of the layout file.
  public let version: Int
  /// How the layout is recognised.
  public let detection: LayoutDetection
  /// How its config.json maps to facts.
  public let config: ConfigTable
  /// Facts that the layout fixes for every model.
  public let modelSemantics: Facts
  /// Facts that the layout fixes for every layer.
  public let layerSemantics: Facts
  /// Sizes of its own, by symbol.
  public let dimensions: [(symbol: String, size: SizeExpression)]
  /// The container that the files must have; nil for any that holds names and numbers alone.
  public let container: String?
  /// Whether the keys of its configs mean nothing to other layouts.
  public var hasOwnKeys: Bool { config.isApart }
  /// What readers of the layout refuse although its config can say it.
  public let limits: [LayoutLimit]
  /// Facts of layers that converters into the layout lose although they decide what is computed: they are what
  /// `layerSemantics` says unless the user knows better.
  public let lostFacts: [String]
  /// What users of its own library should know.
  let notes: [LayoutNote]
  /// The programs that load it.
  let loads: [LoadingProgram]
  /// How tensors of multi-token prediction are stored; nil where they are only carried, or not at all.
  public let prediction: PredictionRules?
  /// The metadata of its safetensors files.
  public let metadata: [(key: String, value: String)]
  /// How quantised weights are stored; nil for a layout that has none.
  public let scales: ScaleRule?
  /// The stored tensors.
  public let tensors: [TensorRule]
  /// Where the rule of each of them stands in the layout file, for messages.
  let tensorPlaces: [String]
  /// Stored tensors carried through by name.
  public let carried: [CarryRule]
  /// The keys of a config that claim carried tensors, of any form.
  let claims: [String]
  /// Program files that it asks for beside some models.
  let code: [CodeFile]
  /// Which file it was read from; nil for a layout that is part of the build.
  public let record: LayoutFile.Record?
  /// Why models in the layout are inspected and no more; nil for a layout that Graft understands.
  public let inspectOnly: String?
}

extension Layout {
  /// Where a checkpoint states what model it holds, in the words of a message.
  public var configName: String {
    if config.isOfTrainer { return "the options of the run" }
    return container == nil ? "config.json" : "the metadata of the file"
  }

  /// Whether its configs are the options of a trainer, which pads the vocabulary as it likes.
  public var isOfTrainer: Bool { config.isOfTrainer }
}
