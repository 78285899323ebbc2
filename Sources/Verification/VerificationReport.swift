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
    /// The error of the layer alone: how far what it adds to the residual stream is from the reference when it
    /// is given the reference's input.
    public internal(set) var step = StepComparison()
    /// Its tensors that hold other values than those of the other model, beyond rounding.
    public internal(set) var changes: [TensorChange] = []
    /// Whether the layer counts as different although no run shows a difference: then the changed values decide.
    public internal(set) var isSpoiltUnseen = false
  }

  /// The limits.
  public internal(set) var gate: Gate
  /// What `logits` and `stepped` compare; nil where the reference holds nothing behind the layers.
  public let output: ModelOutput?
  /// The number of tokens that both know, where one knows more.
  public let commonVocabulary: Int?
  /// Logits of prompts run in long segments, or final hidden states.
  public internal(set) var logits = LogitComparison()
  /// Logits of prompts run token by token with carried state.
  public internal(set) var stepped = LogitComparison()
  /// The same logits position by position, in long segments.
  public internal(set) var positions = PositionLog()
  /// The same logits position by position, token by token.
  public internal(set) var steppedPositions = PositionLog()
  /// The residual stream before the first layer, where the layers are known.
  public internal(set) var embedding = HiddenComparison()
  /// Logits computed from the reference's last residual stream; empty where the reference has none.
  public internal(set) var head = LogitComparison()
  /// How much the logits change when only the input of the final norm is rounded.
  var headNoise = LogitComparison()
  /// Whether every layer also ran by itself on the input that the reference records.
  public var isPlaced: Bool { !layers.isEmpty }
  /// Comparisons of the further prompts of the reference file, by name.
  public internal(set) var named: [(name: String, report: VerificationReport)] = []
  /// Whether one of two models is the other but for the rounding of its weights to BF16.
  var hasRoundedWeights = false
  /// The quantised tensors beside those of a checkpoint they may have been rounded from.
  public internal(set) var tensors: [QuantisedTensor] = []
  /// Differences in parts of the models that no prompt needs to reach.
  public internal(set) var unreached: [Unreached] = []
  /// The output of each layer that both have; empty where the expected ones are not known.
  public internal(set) var layers: [Layer]
  /// Whether residual streams are compared.
  let hasStreams: Bool
  /// The first layer that only one of two models has; nil where both have as many, or streams that
  /// cannot be compared.
  public let unmatchedLayer: Int?
  /// Whether layers of the model are not compared, because nothing is known of their outputs.
  public let lacksLayers: Bool

  init(_ configuration: ModelConfiguration, gate: Gate, against expected: any ExpectedOutputs) {
    self.gate = gate
    output = expected.output
    let widths = [configuration.outputWidth, expected.outputWidth]
    commonVocabulary = output == .logits && widths[0] != widths[1] ? widths.min() : nil
    hasStreams = expected.hiddenCount > 0 && expected.hiddenWidth == configuration.streamWidth
    let own = configuration.layers
    let common = hasStreams ? min(own.count, expected.hiddenCount - 1) : 0
    layers = own.prefix(common).enumerated().map { Layer(index: $0, mixer: $1.mixer.kind) }
    lacksLayers = common < own.count
    unmatchedLayer =
      hasStreams && (expected.layerCount ?? own.count) != own.count ? common : nil
  }

  /// Whether everything that was compared is within the gate.
  public var passes: Bool { agreesWhereRun && beyondPrompts.isEmpty }

  /// Whether one of two models is the other but for the rounding of its weights, and the gate allows for
  /// that: then errors of a run do not fail the gate, however much the model magnifies rounding.
  public var isRounding: Bool { hasRoundedWeights && gate == .bf16 }

  /// Whether every output that was computed is within the gate, or explained by rounding every weight.
  public var agreesWhereRun: Bool {
    isRounding
      || logitsPass && layers.allSatisfy { gate.passes($0.hidden) && isSound($0) } && headPasses
        && gate.passes(embedding: embedding) && named.allSatisfy(\.report.passes)
  }

  private func isSound(_ layer: Layer) -> Bool {
    gate.passes(layer.step) && !layer.isSpoiltUnseen
  }

  private var headPasses: Bool { gate.passes(head, noise: headNoise) }

  /// Differences outside the gate that a run does not need to show.
  public var beyondPrompts: [Unreached] { unreached.filter { !gate.passes($0.gap) } }

  /// Adds what was compared without running.
  public mutating func add(_ differences: [Unreached]) { unreached += differences }

  private var logitsPass: Bool { passes(logits) && passes(stepped) }

  private func passes(_ outputs: LogitComparison) -> Bool {
    checks(outputs).allSatisfy(\.passes)
  }

  /// The limits that logits, or final hidden states, are held to.
  public func checks(_ outputs: LogitComparison) -> [Gate.Check] {
    switch output {
    case .logits: gate.checks(outputs)
    case .finalStates: gate.checks(outputs.asStates)
    case nil: []
    }
  }

  /// The first layer whose output is outside the gate, or that computes something else from the reference's
  /// input, or that only one of two models has.
  ///
  /// Nil where all layers agree; if the logits differ nevertheless, the final norm or the head is at fault,
  /// else something that never runs.
  public var firstDivergentLayer: Int? {
    let output = isRounding ? nil : layers.first { !gate.passes($0.hidden) }?.index
    let others = named.map(\.report.firstDivergentLayer) + beyondPrompts.map(\.layer)
    let first = ([output, firstFaultyLayer] + others).compactMap(\.self).min()
    return first ?? (passes ? nil : unmatchedLayer)
  }

  /// The layers that compute something else from the reference's input, and those with other weights whose
  /// effect a run cannot show.
  public var faultyLayers: [Int] {
    isRounding ? [] : layers.filter { !isSound($0) }.map(\.index)
  }

  /// The first faulty layer, the embedding counting as part of layer 0; where no layer fails by itself and
  /// the head does not either, the layer with the largest error.
  private var firstFaultyLayer: Int? {
    guard isPlaced, !isRounding else { return nil }
    guard gate.passes(embedding: embedding) else { return 0 }
    if let first = faultyLayers.first { return first }
    guard !logitsPass, head.positions > 0, headPasses, passes(head) else { return nil }
    return layers.max { excess($0) < excess($1) }?.index
  }

  /// The error of a layer divided by its limit.
  private func excess(_ layer: Layer) -> Double {
    layer.step.relative / (gate.limit(layer.step) ?? 1)
  }

  private var logitsJSON: JSONObject {
    [
      "pass": .bool(passes), "logits": .object(logits.json), "stepped": .object(stepped.json),
    ]
  }

  /// The report as the fields of a document.
  public var json: JSONObject {
    var json = commonJSON
    for (key, value) in roundingJSON.entries { json[key] = value }
    return json
  }

  private var commonJSON: JSONObject {
    [
      "pass": .bool(passes),
      "gate": .string(gate.text),
      "rounding": .bool(isRounding),
      "positions": JSONValue(logits.positions),
      "output": output.map { .string($0.rawValue) } ?? .null,
      "common_vocabulary": commonVocabulary.map { JSONValue($0) } ?? .null,
      "logits": .object(logits.json),
      "stepped": .object(stepped.json),
      "named": .object(JSONObject(named.map { ($0.name, .object($0.report.logitsJSON)) })),
      "first_divergent_layer": firstDivergentLayer.map { JSONValue($0) } ?? .null,
      "faulty_layers": isPlaced && !passes ? .array(faultyLayers.map { JSONValue($0) }) : .null,
      "unreached": .array(
        beyondPrompts.map { difference in
          .object([
            "name": .string(difference.name),
            "layer": difference.layer.map { JSONValue($0) } ?? .null,
            "relative_error": JSONValue(difference.gap.relative),
            "max_abs": JSONValue(difference.gap.maxAbs),
          ])
        }),
      "layers": .array(
        layers.map { layer in
          .object([
            "index": JSONValue(layer.index),
            "mixer": .string(layer.mixer),
            "max_abs": JSONValue(layer.hidden.maxAbs),
            "nmse": JSONValue(layer.hidden.nmse),
            "step_error": JSONValue(layer.step.relative),
            "step_limit": gate.limit(layer.step).map { JSONValue($0) } ?? .null,
            "changed": .array(layer.changes.map { .string($0.role.name) }),
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
      "top1_or_tie": JSONValue(top1OrTie),
    ]
  }
}
