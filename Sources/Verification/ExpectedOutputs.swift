import Runtime

/// What a model is expected to compute for some consecutive positions of a prompt.
struct ExpectedSegment {
  /// `[positions, vocab]`, or the final hidden states, `[positions, H]`; empty where neither is known.
  let logits: [Float]
  /// The residual stream after the embedding and after each layer, `[positions, H]` each; empty where
  /// it is not known.
  let hidden: [[Float]]
  /// What the mixer of one layer writes, `[positions, H]`; empty where none is asked for.
  var mixer: [Float] = []
}

/// Where expected logits come from: a file, or another model that runs beside the first.
protocol ExpectedOutputs: AnyObject {
  /// Which output behind the layers is known, logits or final hidden states; nil for neither.
  var output: ModelOutput? { get }
  /// The number of values of that output at each position.
  var outputWidth: Int { get }
  /// The number of residual streams a segment has.
  var hiddenCount: Int { get }
  /// The width of the residual streams.
  var hiddenWidth: Int { get }
  /// The number of layers; nil where the residual streams need not be all.
  var layerCount: Int? { get }
  /// Goes to the beginning of prompts.
  func start(_ prompts: [[Int]])
  /// What is expected at the next positions of some prompts.
  func next(_ segment: [PromptBatch.Slice]) throws -> [ExpectedSegment]
}

/// Expected outputs from a reference file.
final class RecordedOutputs: ExpectedOutputs {
  private let file: ReferenceFile
  private let wanted: ModelOutput

  init(_ file: ReferenceFile, _ wanted: ModelOutput) { (self.file, self.wanted) = (file, wanted) }

  var output: ModelOutput? { file.width(of: wanted) == nil ? nil : wanted }
  var outputWidth: Int { file.width(of: wanted) ?? 0 }

  var hiddenCount: Int { file.hiddenCount }
  var hiddenWidth: Int { file.hiddenWidth ?? 0 }
  var layerCount: Int? { nil }

  func start(_ prompts: [[Int]]) {}

  func next(_ segment: [PromptBatch.Slice]) throws -> [ExpectedSegment] {
    try segment.map { slice in
      ExpectedSegment(
        logits: try file.values(wanted, row: slice.prompt, positions: slice.positions),
        hidden: try (0..<hiddenCount).map {
          try file.hidden($0, row: slice.prompt, positions: slice.positions)
        })
    }
  }
}

/// Expected outputs from another model.
final class ComputedOutputs: ExpectedOutputs {
  private let model: Model
  private let workspace: Workspace
  private let observed: Int?
  private var prompts: PromptBatch

  /// - Parameter mixerOf: the layer of whose mixer the output is wanted.
  init(_ model: Model, mixerOf observed: Int? = nil, threads: Int) throws {
    (self.model, self.observed) = (model, observed)
    workspace = try Workspace(model, threads: threads)
    prompts = PromptBatch(model, [], workspace)
  }

  var output: ModelOutput? { ModelOutput(of: model.configuration) }
  var outputWidth: Int { model.configuration.outputWidth }
  var hiddenCount: Int { model.configuration.layers.count + 1 }
  var hiddenWidth: Int { model.configuration.streamWidth }
  var layerCount: Int? { model.configuration.layers.count }

  func start(_ prompts: [[Int]]) { self.prompts = PromptBatch(model, prompts, workspace) }

  func next(_ segment: [PromptBatch.Slice]) throws -> [ExpectedSegment] {
    var hidden: [[[Float]]] = Array(repeating: [], count: segment.count)
    var mixer: [[Float]] = Array(repeating: [], count: segment.count)
    let observer = ForwardObserver(
      hidden: { _, rows in hidden[rows.sequence].append(Array(rows.values)) },
      mixer: { [observed] layer, _, output in
        if layer == observed { mixer[output.sequence] = Array(output.values) }
      })
    return try prompts.run(segment, observer: observer).map { rows in
      ExpectedSegment(
        logits: Array(rows.values), hidden: hidden[rows.sequence], mixer: mixer[rows.sequence])
    }
  }
}
