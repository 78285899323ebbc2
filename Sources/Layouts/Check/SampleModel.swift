import Canonical
import Tensors

/// A random model that a layout is asked to hold.
struct SampleModel {
  /// The facts of the model, the number of its layers among them.
  let model: Facts
  /// The facts of its layers.
  let layers: [Facts]

  /// The model of a seed, with what the layout fixes and with sizes that it divides by.
  ///
  /// Seeds take turns in what they vary: layers in an interval or in none, alike or not in their sizes,
  /// dense, mixtures of experts or both; all numbers of heads are multiples of one, so that some models fit
  /// layouts that divide them.
  init(seed: UInt64, for layout: Layout) {
    var generator = SplitMix64(seed: seed)
    // What the layers are made of.
    let multiple = SampleFacts.any([1, 1, 2, 4, 8], &generator)
    var model = SampleFacts.facts(&generator)
    let (attention, linear) = SampleFacts.mixers(of: layout, &generator)
    let blocks = (0..<2).map { _ in SampleFacts.feedForward(&generator, in: layout) }
    // Facts that nearly every layout needs in some way.
    model["position"] = .word("rope")
    model["norm"] = .word("rmsnorm")
    model["rope.dim"] = .integer(0)
    let share = SampleFacts.any([0.5, 1], &generator)
    model["rope.fraction"] = SampleFacts.share(of: attention, model, share)
    model["rope.sections"] = .word(SampleFacts.any(["1,1,1", "2,1", "3,2,1"], &generator))
    // Layers: in an interval or in any order, of one or two kinds of MLP.
    let interval = SampleFacts.pick(1...4, &generator)
    let isRegular = Bool.random(using: &generator)
    let variety = SampleFacts.any([1, 1, 2], &generator)
    if layout.stores("final_hyper") { model.merge(SampleFacts.streams(&generator)) { $1 } }
    var ngrams = layout.stores("ngram") ? SampleFacts.ngrams(&generator) : [:]
    let storesM2RNN = layout.stores("m2rnn")
    var layers: [Facts] = []
    for layer in 0..<SampleFacts.pick(1...6, &generator) {
      let isAttention = isRegular ? (layer + 1) % interval == 0 : Bool.random(using: &generator)
      let isM2RNN = storesM2RNN && SampleFacts.pick(0...2, &generator) == 0
      let mixer = isAttention ? attention : isM2RNN ? SampleFacts.m2rnn(&generator) : linear
      let block = blocks[SampleFacts.pick(0...(variety - 1), &generator)]
      let isChosen = !isAttention && !ngrams.isEmpty && Bool.random(using: &generator)
      layers.append(
        mixer.merging(block) { $1 }.merging(isChosen ? ngrams : [:]) { $1 }.times(multiple).merging(
          layout.layerSemantics
        ) { $1 })
      // A single layer where the layout has one table.
      if isChosen, layout.tensors.contains(where: \.isSingle) { ngrams = [:] }
    }
    // What the layout fixes counts more than what was drawn.
    model = model.times(multiple).merging(layout.modelSemantics) { $1 }
    model["layers"] = .integer(layers.count)
    // Sizes of the layout divide all numbers of heads.
    for symbol in layout.config.sizeSymbols {
      let divisors = [1, 2, 4].filter { multiple % $0 == 0 }
      model[ModelConfiguration.sizePrefix + symbol] = .integer(
        SampleFacts.any(divisors, &generator))
    }
    (self.model, self.layers) = (model, layers)
  }

  /// The configuration; nil where the random facts do not fit each other.
  var configuration: ModelConfiguration? { try? ModelConfiguration(model: model, layers: layers) }
}

extension Facts {
  /// The facts with every number that layouts divide among ranks a multiple of one.
  fileprivate func times(_ multiple: Int) -> Facts {
    let names = [
      "attention.heads", "attention.kv_heads", "gdn.k_heads", "gdn.v_heads", "mlp.intermediate",
      "moe.shared_intermediate", "vocabulary", "hidden",
    ]
    var facts = self
    for name in names {
      if case .integer(let number)? = facts[name] { facts[name] = .integer(number * multiple) }
    }
    return facts
  }
}
