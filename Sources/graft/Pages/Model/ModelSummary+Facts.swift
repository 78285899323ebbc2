import Canonical
import Containers
import JSON
import Layouts
import Opening
import Reports
import Tensors

/// What a model is beyond its layers: positions, what is carried beside it, what a token goes through.
extension ModelSummary {
  /// Tensors that travel with the model and are not computed.
  struct Companion {
    let tensors: Int
    let parameters: Int

    /// - Parameter scales: the names of those that are scales, and no parameters.
    init(_ tensors: [StoredTensor], except scales: Set<String>) {
      self.tensors = tensors.count
      parameters = tensors.reduce(0) { $0 + (scales.contains($1.name) ? 0 : $1.elementCount) }
    }

    var text: String {
      "\(Quantity.of(tensors, "tensor")), \(Quantity.count(parameters)) parameters, carried"
    }

    var json: JSONObject {
      ["tensors": JSONValue(tensors), "parameters": JSONValue(parameters)]
    }
  }

  /// The tensors of multi-token prediction.
  var prediction: Companion {
    Companion(
      model.carried.filter { model.binding.carrier(of: $0.name)?.isPrediction == true },
      except: carriedScales)
  }

  private var carriedScales: Set<String> { Set(model.binding.carriedScales.values.map(\.name)) }

  /// The tensors of the vision tower: what is carried for the whole model; that of a layer is a mixer.
  var vision: Companion {
    Companion(
      model.carried.filter { tensor in
        model.binding.carrier(of: tensor.name)
          .map { !$0.isPrediction && $0.same == nil && !$0.isHead && $0.layer == nil } ?? false
      }, except: carriedScales)
  }

  /// The layers of multi-token prediction that are stored.
  var predictionLayers: Int {
    guard prediction.tensors > 0 else { return 0 }
    let claimed = model.checkpoint.config.flatMap(model.layout.predictionLayers(claimedBy:))
    return max(configuration.predictionLayers, claimed ?? 1)
  }

  /// The facts, with the layers of multi-token prediction that are stored, wherever they are counted.
  var facts: Facts {
    configuration.values.merging(["mtp.layers": .integer(predictionLayers)]) { $1 }
  }

  /// The parameters that one token goes through: all but those of the experts that are not chosen, and of the
  /// rows of n-grams that it does not read.
  var activeParameters: Int {
    let chosen = configuration.layers.map(\.feedForward.expertsPerToken)
    return model.binding.tensors.lazy.flatMap(\.parts).reduce(0) { sum, part in
      if let expert = part.role.expert, let layer = part.role.layer, expert >= chosen[layer] {
        return sum
      }
      if part.role.name == NgramEmbedding.table, let layer = part.role.layer {
        return sum + configuration.layers[layer].ngrams.dim
      }
      return sum + part.shape.reduce(1, *)
    }
  }

  /// Whether there are experts that a token does not go through.
  var hasIdleExperts: Bool {
    configuration.layers.contains { $0.feedForward.kind == .moe }
  }

  /// Keys of the config that Graft does not know.
  var unknownKeys: [String] {
    let config =
      model.packing == nil
      ? model.checkpoint.config : model.checkpoint.config?.withoutQuantisation
    return config.map(model.layout.unknownKeys) ?? []
  }

  var positionLines: [(label: String, text: String)] {
    var lines: [(String, String)] = []
    if let rope { lines.append(("rope", rope)) }
    if configuration.maximumPositions > 0 {
      lines.append(("context", Quantity.of(configuration.maximumPositions, "position")))
    }
    return lines
  }

  var companionLines: [(label: String, text: String)] {
    var lines: [(String, String)] = []
    if prediction.tensors > 0 {
      lines.append(("mtp", "\(Quantity.of(predictionLayers, "layer")), \(prediction.text)"))
    }
    if vision.tensors > 0 { lines.append(("vision", vision.text)) }
    let heads = model.otherHeads.map { "\($0.name) \(TensorShape.text($0.shape))" }
    if !heads.isEmpty { lines.append(("other head", heads.joined(separator: ", ") + ", carried")) }
    return lines
  }

  /// RoPE in a few words; nil for a model without it.
  private var rope: String? {
    let attentions = configuration.layers.compactMap { layer in
      if case .attention(let attention) = layer.mixer { attention } else { nil }
    }
    let rotating = attentions.filter(\.rotates)
    guard configuration.position == .rope, let attention = rotating.first else { return nil }
    let base = FactValue.number(attention.ropeTheta ?? configuration.ropeTheta).text
    let sections = configuration.ropeSections.map { ", sections \($0)" } ?? ""
    return "\(configuration.ropeSide.rawValue) \(configuration.ropeDim(of: attention)) of "
      + "\(attention.headDim) dims, base \(base)\(sections)\(stretching)"
      + (rotating.count < attentions.count
        ? ", in \(rotating.count) of \(Quantity.of(attentions.count, "attention layer"))" : "")
  }

  private var stretching: String {
    let scaling = configuration.ropeScaling
    let factor = FactValue.number(scaling.factor).text
    return switch scaling.kind {
    case .none: ""
    case .linear: ", stretched evenly by \(factor)"
    case .yarn: ", YaRN by \(factor) from \(scaling.originalPositions) positions"
    }
  }
}
