import Canonical
import JSON

/// The outcome of a comparison.
public struct VerificationReport: Sendable {
  /// One layer's output compared.
  public struct Layer: Sendable {
    /// The index of the layer.
    public let index: Int
    /// The kind of its mixer.
    public let mixer: String
    /// How far its output is from the expected one.
    public internal(set) var hidden = HiddenComparison()
  }

  /// The limits.
  public let gate: Gate
  /// Logits of prompts run in long segments.
  public internal(set) var logits = LogitComparison()
  /// Logits of prompts run token by token with carried state.
  public internal(set) var stepped = LogitComparison()
  /// The same logits position by position, in long segments.
  public internal(set) var positions = PositionLog()
  /// The same logits position by position, token by token.
  public internal(set) var steppedPositions = PositionLog()
  /// The same for what else the reference holds, by name.
  public internal(set) var named: [(name: String, report: VerificationReport)] = []
  /// The output of each layer; empty where the expected ones are not known.
  public internal(set) var layers: [Layer]

  init(_ configuration: ModelConfiguration, gate: Gate, hasLayers: Bool) {
    self.gate = gate
    layers = []
    guard hasLayers else { return }
    layers = configuration.layers.enumerated().map { Layer(index: $0, mixer: $1.mixer.kind) }
  }

  /// Whether everything that was compared is within the gate.
  public var passes: Bool {
    gate.passes(logits) && gate.passes(stepped) && firstDivergentLayer == nil
      && named.allSatisfy(\.report.passes)
  }

  /// The first layer whose output is outside the gate.
  ///
  /// Nil where all agree; if the logits differ all the same, it is the final norm or the head.
  public var firstDivergentLayer: Int? {
    let own = layers.first { !gate.passes($0.hidden) }?.index
    return ([own] + named.map(\.report.firstDivergentLayer)).compactMap(\.self).min()
  }

  private var logitsJSON: JSONObject {
    [
      "pass": .bool(passes), "logits": .object(logits.json), "stepped": .object(stepped.json),
    ]
  }

  /// The report as the fields of a document.
  public var json: JSONObject {
    [
      "pass": .bool(passes),
      "gate": .string(gate.text),
      "positions": JSONValue(logits.positions),
      "logits": .object(logits.json),
      "stepped": .object(stepped.json),
      "named": .object(JSONObject(named.map { ($0.name, .object($0.report.logitsJSON)) })),
      "first_divergent_layer": firstDivergentLayer.map { JSONValue($0) } ?? .null,
      "layers": .array(
        layers.map { layer in
          .object([
            "index": JSONValue(layer.index),
            "mixer": .string(layer.mixer),
            "max_abs": JSONValue(layer.hidden.maxAbs),
            "nmse": JSONValue(layer.hidden.nmse),
          ])
        }),
    ]
  }
}

extension LogitComparison {
  /// The metrics as the fields of a document.
  public var json: JSONObject {
    [
      "positions": JSONValue(positions),
      "max_abs": JSONValue(maxAbs),
      "nmse": JSONValue(nmse),
      "mean_kl": JSONValue(meanKL),
      "max_kl": JSONValue(maxKL),
      "top1_agreement": JSONValue(top1Agreement),
    ]
  }
}
