import Canonical
import Containers
import JSON
import Layouts

/// A checkpoint with packed weights: what headers and config tell, though nothing can be done with it.
public struct PackedCheckpoint: Sendable {
  /// The files.
  public let checkpoint: StoredCheckpoint
  /// How the weights are packed.
  public let packed: PackedWeights
  /// The layout whose config and names it seems to have, and what the model is then.
  public let model: (layout: String, configuration: ModelConfiguration)?

  /// Looks at a checkpoint; nil where its weights are not packed.
  /// - Cost: one look at each header.
  public init?(_ checkpoint: StoredCheckpoint, catalogue: LayoutCatalogue) {
    self.checkpoint = checkpoint
    guard let packed = PackedWeights.recognise(checkpoint.config, checkpoint.headers) else {
      return nil
    }
    self.packed = packed
    let config = checkpoint.config?.withoutQuantisation ?? .null
    let candidates =
      (try? catalogue.candidates(config: config) { checkpoint.tensor($0) != nil }) ?? []
    model =
      candidates.lazy.compactMap { candidate in
        (try? candidate.layout.configuration(from: config)).map { (candidate.layout.id, $0) }
      }.first
  }
}

extension JSONValue {
  /// The config of the model before it was quantised.
  fileprivate var withoutQuantisation: JSONValue {
    guard case .object(var object) = self else { return self }
    for key in ["quantization", "quantization_config"] { object[key] = nil }
    if let inner = object["text_config"] { object["text_config"] = inner.withoutQuantisation }
    return .object(object)
  }
}
