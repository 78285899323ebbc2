import Runtime

/// What a model is expected to compute for some consecutive positions of a prompt.
struct ExpectedSegment {
  /// `[positions, vocab]`
  let logits: [Float]
  /// The residual stream after the embedding and after each layer, `[positions, H]` each; empty where
  /// it is not known.
  let hidden: [[Float]]
  /// What the mixer of one layer writes, `[positions, H]`; empty where none is asked for.
  var mixer: [Float] = []
}

/// Where expected logits come from: a file, or another model that runs beside the first.
protocol ExpectedOutputs: AnyObject {
  /// The number of residual streams a segment has.
  var hiddenCount: Int { get }
  /// The width of the residual streams.
  var hiddenWidth: Int { get }
  /// Goes to the beginning of a prompt.
  func start(row: Int, tokens: [Int]) throws
  /// The next positions of the prompt.
  func next(_ count: Int) throws -> ExpectedSegment
}

/// Expected outputs from a reference file.
final class RecordedOutputs: ExpectedOutputs {
  private let file: ReferenceFile
  private var row = 0
  private var position = 0

  init(_ file: ReferenceFile) { self.file = file }

  var hiddenCount: Int { file.hiddenCount }
  var hiddenWidth: Int { file.hiddenWidth ?? 0 }

  func start(row: Int, tokens: [Int]) {
    (self.row, position) = (row, 0)
  }

  func next(_ count: Int) throws -> ExpectedSegment {
    let positions = position..<(position + count)
    position += count
    return ExpectedSegment(
      logits: try file.logits(row: row, positions: positions),
      hidden: try (0..<hiddenCount).map { try file.hidden($0, row: row, positions: positions) })
  }
}

/// Expected outputs from another model.
final class ComputedOutputs: ExpectedOutputs {
  private let model: Model
  private let workspace: Workspace
  private let observed: Int?
  private var state: SequenceState?
  private var tokens: [Int] = []

  /// - Parameter mixerOf: the layer of whose mixer the output is wanted.
  init(_ model: Model, mixerOf observed: Int? = nil, threads: Int) throws {
    (self.model, self.observed) = (model, observed)
    workspace = try Workspace(model, threads: threads)
  }

  var hiddenCount: Int { model.configuration.layers.count + 1 }
  var hiddenWidth: Int { model.configuration.hidden }

  func start(row: Int, tokens: [Int]) throws {
    self.tokens = tokens
    state = try SequenceState(model, capacity: tokens.count)
  }

  func next(_ count: Int) throws -> ExpectedSegment {
    guard let state else { return ExpectedSegment(logits: [], hidden: []) }
    var (hidden, mixer): ([[Float]], [Float]) = ([], [])
    let observer = ForwardObserver(
      hidden: { _, rows in hidden.append(Array(rows.values)) },
      mixer: { [observed] layer, _, output in
        if layer == observed { mixer = Array(output.values) }
      })
    let segment = Array(tokens[state.position..<(state.position + count)])
    let rows = try model.forward(segment, state, workspace, observer: observer)
    return ExpectedSegment(logits: Array(rows.values), hidden: hidden, mixer: mixer)
  }
}
