import Canonical
import Layouts
import Tensors

/// Models with seeded random options and values, for laws that must hold for every model.
public enum GeneratedModel {
  /// The facts of a random model that the lm-engine layout can hold.
  public static func configuration(seed: UInt64) throws -> ModelConfiguration {
    var generator = SeededGenerator(seed: seed)
    let layers = pick(1...4, &generator)
    var model = SampleFacts.facts(&generator)
    model["layers"] = .integer(layers)
    return try ModelConfiguration(
      model: model,
      layers: (0..<layers).map { _ in
        SampleFacts.mixer(&generator).merging(SampleFacts.feedForward(&generator)) { $1 }
      })
  }

  /// The random model of a seed as a layout holds it: what the layout cannot say is lost.
  ///
  /// - Returns: nil where nothing sensible is left.
  public static func configuration(seed: UInt64, in layout: Layout) throws -> ModelConfiguration? {
    if layout.inspectOnly != nil { return nil }
    if layout.id == "lm-engine" { return try configuration(seed: seed) }
    var generator = SeededGenerator(seed: seed)
    let (attention, delta) = SampleFacts.mixers(of: layout, &generator)
    var model = SampleFacts.facts(&generator)
    model["position"] = .word("rope")
    model["rope.fraction"] = SampleFacts.share(of: attention, model, any([0.5, 1], &generator))
    model["rope.dim"] = .integer(0)
    model["norm"] = .word("rmsnorm")
    model["rope.sections"] = .word(any(["1,1,1", "2,1", "3,2,1"], &generator))
    let interval = pick(1...4, &generator)
    let hasM2RNN = layout.stores("m2rnn")
    let layers = (0..<pick(1...4, &generator)).map { layer in
      let linear = hasM2RNN && pick(0...2, &generator) == 0 ? SampleFacts.m2rnn(&generator) : delta
      return ((layer + 1) % interval == 0 ? attention : linear)
        .merging(SampleFacts.feedForward(&generator, in: layout)) { $1 }
    }
    model["layers"] = .integer(layers.count)
    guard
      let held = kept(model, layers, in: layout)
        ?? kept(
          model.merging(layout.modelSemantics) { $1 },
          layers.map { $0.merging(layout.layerSemantics) { $1 } }, in: layout)
    else { return nil }
    return try layout.configuration(from: layout.writtenConfig(held))
  }

  /// What a layout keeps of a model; nil where nothing sensible is left.
  private static func kept(_ model: Facts, _ layers: [Facts], in layout: Layout)
    -> ModelConfiguration?
  {
    guard let wanted = try? ModelConfiguration(model: model, layers: layers),
      let held = try? layout.configuration(from: layout.writtenConfig(wanted)),
      layout.unsaid(held).isEmpty
    else { return nil }
    return held
  }

  /// A model of this configuration with random values that BF16 holds, for which every step is exact.
  public static func model(_ configuration: ModelConfiguration, _ layout: Layout, seed: UInt64)
    throws -> CanonicalModel
  {
    var generator = SeededGenerator(seed: seed)
    var tensors: [Role: CanonicalTensor] = [:]
    for part in try LayoutBinding(layout, configuration).tensors.flatMap(\.parts) {
      let values = (0..<part.shape.reduce(1, *)).map { _ in value(&generator) }
      tensors[part.role] = CanonicalTensor(shape: part.shape, values: values, origin: "random")
    }
    return CanonicalModel(configuration: configuration, tensors: tensors)
  }

  private static func value(_ generator: inout SeededGenerator) -> Float {
    let value = FloatBits.float(bf16: FloatBits.bf16(generator.float()))
    return abs(value) < 0x1p-12 ? 0.5 : value
  }

  private static func pick(_ range: ClosedRange<Int>, _ generator: inout SeededGenerator) -> Int {
    SampleFacts.pick(range, &generator)
  }

  private static func any<Value>(_ values: [Value], _ generator: inout SeededGenerator) -> Value {
    SampleFacts.any(values, &generator)
  }
}
