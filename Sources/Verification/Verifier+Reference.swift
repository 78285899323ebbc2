import Canonical
import Diagnostics

/// Whether a reference file fits the model.
extension Verifier {
  /// Refuses a reference of a model with a language head in which the end of the model is missing.
  func checkEnd(_ reference: ReferenceFile) throws {
    guard reference.width(of: .finalStates) == nil else { return }
    throw Problem(
      .invalid, "the reference holds nothing behind the layers, and the model has a language head",
      expected: "tensors input_ids and logits, or \(ModelOutput.finalStates.rawValue)",
      found: "hidden states of layers", remedy: "record the reference with its logits")
  }

  /// Whether padding alone may be why a vocabulary is of another size than the model's.
  private func isPadding(_ vocabulary: Int) -> Bool {
    let sizes = [vocabulary, model.configuration.vocabulary].sorted()
    return sizes[1] <= 2 * sizes[0]
  }

  func checkWidths(_ reference: ReferenceFile, _ outputs: RecordedOutputs) throws {
    let configuration = model.configuration
    guard outputs.output != nil || reference.hiddenCount > 0 else {
      throw Problem(
        .invalid, "the model has no language head, and the reference holds logits alone",
        expected: "\(ModelOutput.finalStates.rawValue), or hidden.0 and more", found: "logits",
        remedy: "record hidden states of the original, as graft logits does")
    }
    guard outputs.output != .logits || isPadding(outputs.outputWidth) else {
      throw Problem(
        .invalid, "the reference has logits of another width", tensor: "logits",
        expected: "\(configuration.vocabulary)", found: "\(outputs.outputWidth)",
        remedy: "record the reference with this model's vocabulary")
    }
    guard outputs.output != .finalStates || outputs.outputWidth == configuration.hidden else {
      throw Problem(
        .invalid, "the reference has hidden states of another model",
        tensor: ModelOutput.finalStates.rawValue, expected: "width \(configuration.hidden)",
        found: "\(outputs.outputWidth)", remedy: "record the reference with this model")
    }
    guard reference.hiddenWidth == nil || reference.hiddenWidth == configuration.streamWidth,
      reference.hiddenCount <= configuration.layers.count + 1
    else {
      throw Problem(
        .invalid, "the reference has hidden states of another model",
        expected: "\(configuration.layers.count + 1) of width \(configuration.streamWidth)",
        found: "\(reference.hiddenCount) of width \(reference.hiddenWidth ?? 0)",
        remedy: "record the reference with this model")
    }
    let embedding = reference.embeddingWidth ?? configuration.hidden
    guard [configuration.hidden, configuration.streamWidth].contains(embedding) else {
      throw Problem(
        .invalid, "the reference has hidden states of another model", tensor: "hidden.0",
        expected: "width \(configuration.hidden)", found: "\(embedding)",
        remedy: "record the reference with this model")
    }
  }
}
