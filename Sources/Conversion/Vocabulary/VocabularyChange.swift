import Canonical
import Containers
import Diagnostics
import Layouts
import Opening
import Tensors

/// A vocabulary that is cut or padded: embedding, head and config in step.
struct VocabularyChange {
  private let source: OpenedModel
  /// The number of tokens of the output.
  let size: Int

  /// A change that loses no token; nil where the size stays.
  /// - Throws: `Problem` of kind `unsupported` where a row is used that would be cut off, or something
  ///   else has a row per token; `invalid` where a tokenizer is not strict JSON, `io`.
  /// - Cost: reads the tokenizer, or the rows to be cut off where there is none.
  init?(_ source: OpenedModel, _ options: ConversionOptions) throws {
    let stored = source.configuration.vocabulary
    switch options.vocabulary {
    case nil: return nil
    case .config?: size = source.statedConfiguration.vocabulary
    case .tokens(let count)?: size = count
    }
    self.source = source
    guard size != stored else { return nil }
    try checkPlace(dropsMTP: options.dropsMTP)
    if size < stored { try UnusedRows(source, from: size).check() }
  }

  /// Refuses checkpoints in which more than embedding and head counts tokens.
  private func checkPlace(dropsMTP: Bool) throws {
    guard source.layout.container == nil else {
      throw Problem(
        .unsupported, "the vocabulary of a file that lists its tokens itself stays as it is",
        file: source.checkpoint.weightsPath.string, expected: "\(source.configuration.vocabulary)",
        found: "--vocabulary \(size)",
        remedy: "use --vocabulary where the file is made of a checkpoint with a tokenizer beside it"
      )
    }
    let shape = [source.configuration.vocabulary, source.configuration.hidden]
    let others = source.carried.filter { tensor in
      tensor.shape == shape && source.original(of: tensor) == nil
        && !(dropsMTP && source.isPrediction(tensor))
    }
    guard !others.isEmpty else { return }
    throw Problem(
      .unsupported, "a carried tensor has a row for each token",
      tensor: NameFolding.summary(others.map(\.name)), expected: "embedding and head alone",
      found: TensorShape.text(shape),
      remedy: "leave --vocabulary out, or tensors of multi-token prediction with --mtp drop")
  }

  /// The configuration with the new size.
  func applied(to configuration: ModelConfiguration) -> ModelConfiguration {
    var configuration = configuration
    configuration.vocabulary = size
    return configuration
  }

  /// The model with rows cut off or rows of zeros added.
  /// - Throws: `Problem` of kind `unsupported` where rows are not stored one after the other.
  func applied(to model: CanonicalModel) throws -> CanonicalModel {
    var changed = model
    changed.configuration = applied(to: model.configuration)
    for (role, tensor) in model.tensors where RoleTable.hasRowPerToken(role.name) {
      let isCut = size < tensor.shape[0]
      guard let other = isCut ? tensor.rows(size) : tensor.padded(to: size) else {
        throw Problem(
          .unsupported, "rows that are not stored one after the other cannot be cut or padded",
          tensor: tensor.origin, found: tensor.type.rawValue,
          remedy: "leave --vocabulary out, or convert with --dtype f32 first")
      }
      changed.tensors[role] = other
    }
    return changed
  }
}
