import Canonical
import Containers
import JSON
import Layouts
import Opening
import Tensors

/// The typed metadata of weight files that say themselves what they hold.
struct TargetMetadata {
  /// The values, in order, but for those that depend on the files.
  private let values: GGUFHeader.Metadata
  /// What is not among them.
  let dropped: [LeftOut]

  /// Types a config and adds the tokenizer; nil for a layout whose config is a file of its own.
  /// - Throws: `Problem` of kind `unsupported` where a value does not fit its type, `invalid` where
  ///   the tokenizer is not strict JSON.
  init?(
    _ config: JSONValue, of source: OpenedModel, _ configuration: ModelConfiguration,
    in layout: Layout
  ) throws {
    guard layout.container == Container.gguf.rawValue else { return nil }
    let isSame = source.isInForm(of: layout)
    let kept = source.checkpoint.values.filter { isSame || !layout.isKeyOfModel($0.key) }
    let stated = try GGUFConfig.metadata(
      config, types: layout.metadataTypes, keeping: layout.id == source.layout.id ? kept : [])
    guard source.layout.container != layout.container else {
      (values, dropped) = (stated, [])
      return
    }
    let tokenizer = try TokenizerMetadata(
      source.checkpoint, size: configuration.vocabulary, config: source.config.value)
    let keys = Set(tokenizer.values.map(\.key))
    values = stated.filter { !keys.contains($0.key) } + tokenizer.values
    dropped =
      tokenizer.obstacle.map { [LeftOut(.file, "tokenizer", $0)] } ?? tokenizer.dropped
  }

  /// The values of one of several files.
  /// - Parameters:
  ///   - quantised: what the file type says of quantised weights.
  ///   - importances: by what their errors were weighed.
  func values(
    mostly type: ScalarType, quantised: UInt32?, by importances: ImportanceMatrix?, part: Int,
    of count: Int, tensors: Int
  ) throws -> GGUFHeader.Metadata {
    guard let quantised else {
      return try GGUFConfig.metadata(values, mostly: type, part: part, of: count, tensors: tensors)
    }
    return try GGUFConfig.metadata(
      GGUFConfig.quantised(values, quantised, importances?.metadata() ?? []), mostly: nil,
      part: part, of: count, tensors: tensors)
  }
}
