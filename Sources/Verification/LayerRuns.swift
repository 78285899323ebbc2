import Runtime
import Tensors

/// Runs every layer of a model on the input that the reference records for it, to find which layer causes a
/// difference. Some positions also run on an input perturbed by rounding, to measure how much the layer
/// magnifies that.
///
/// An instance is used for all prompts, each from front to back.
final class LayerRuns {
  private let model: Model
  private let workspace: Workspace
  private let gate: Gate
  private let prompts: [[Int]]
  /// The layers to run, and whether they run only to measure the effect of rounding.
  private let layers: [Int]?
  private let draws: [(index: Int, length: Int)]
  private var states: [Int: States] = [:]
  /// The positions that are still to run on a moved input.
  private var left = LayerRuns.measured
  private var bits = SplitMix64(seed: 0)

  /// The positions on which rounding is measured.
  static let measured = 256
  /// The segment lengths in which perturbed inputs run: sums are taken in another order in each.
  private static let pieces = [256, 64, 16]
  /// How many perturbed inputs are tried before a layer is found to differ by more than rounding.
  private static let trials = 12

  private struct States {
    let plain: SequenceState
    var moved: [SequenceState]
  }

  /// - Parameter accused: the only layers to run, on more perturbed inputs; nil for all layers.
  init(
    _ model: Model, _ prompts: [[Int]], _ gate: Gate, _ workspace: Workspace,
    accused: [Int]? = nil
  ) {
    (self.model, self.workspace) = (model, workspace)
    (self.gate, self.prompts) = (gate, prompts)
    layers = accused
    // Quantised weights are off by far more than inputs that are rounded.
    draws =
      gate == .quantised
      ? []
      : accused == nil
        ? Array(Self.pieces.enumerated())
        : (0..<Self.trials).map { ($0 + Self.pieces.count, 1 + $0 % 3) }
  }

  /// Whether positions are left on which rounding is to be measured.
  var isMeasuring: Bool { left > 0 }

  /// Runs the layers of a segment whose inputs and outputs are known.
  /// - Throws: as `Model.forward`.
  func run(
    _ segment: [PromptBatch.Slice], _ expected: [ExpectedSegment],
    _ report: inout VerificationReport
  ) throws {
    for (slice, expected) in zip(segment, expected) { try run(slice, expected, &report) }
  }

  private func run(
    _ slice: PromptBatch.Slice, _ expected: ExpectedSegment, _ report: inout VerificationReport
  ) throws {
    let tokens = Array(prompts[slice.prompt][slice.positions])
    let states = try states(of: slice)
    for layer in layers ?? Array(report.layers.indices) {
      let (input, reference) = (expected.hidden[layer], expected.hidden[layer + 1])
      let rows = try model.forward(layer: layer, tokens, on: input, states.plain, workspace)
      if layers == nil {
        report.layers[layer].step.add(rows.values, input: input, reference: reference)
        if gate == .quantised, model.configuration.layers[layer].feedForward.kind == .moe {
          let gaps = workspace.routerGaps(tokens: tokens.count)
          report.layers[layer].step.sure.add(
            rows.values, input: input, reference: reference, gaps: gaps)
        }
      }
      let output = Array(rows.values)
      for (draw, state) in zip(draws, states.moved) {
        let beside = move(input)
        let other = try run(layer, tokens, on: beside, state, by: draw.length)
        report.layers[layer].step.noise.add(
          (other, beside), (output, input), draw: draw.index)
      }
    }
    if layers == nil { try runHead(tokens, expected, states, &report) }
    for state in [states.plain] + states.moved { state.advance(by: tokens.count) }
    if slice.positions.upperBound == prompts[slice.prompt].count { self.states[slice.prompt] = nil }
  }

  /// Runs a layer piece by piece.
  private func run(
    _ layer: Int, _ tokens: [Int], on stream: [Float], _ state: SequenceState, by length: Int
  ) throws -> [Float] {
    let width = model.configuration.streamWidth
    let start = state.position
    defer { state.advance(by: start - state.position) }
    return try stride(from: 0, to: tokens.count, by: length).flatMap { first in
      let piece = first..<min(first + length, tokens.count)
      let rows = Array(stream[piece.lowerBound * width..<piece.upperBound * width])
      let output = try model.forward(
        layer: layer, Array(tokens[piece]), on: rows, state, workspace)
      state.advance(by: piece.count)
      return Array(output.values)
    }
  }

  private func runHead(
    _ tokens: [Int], _ expected: ExpectedSegment, _ states: States,
    _ report: inout VerificationReport
  ) throws {
    guard report.layers.count == model.configuration.layers.count,
      let last = expected.hidden.last, expected.hidden.count == report.layers.count + 1
    else { return }
    let rows = try model.logits(tokens, on: last, states.plain, workspace)
    report.head.add(rows, expected)
    guard !states.moved.isEmpty else { return }
    let plain = ExpectedSegment(logits: Array(rows.values), hidden: [])
    report.headNoise.add(
      try model.logits(tokens, on: move(last), states.plain, workspace), plain)
  }

  private func move(_ stream: [Float]) -> [Float] {
    stream.map { gate.moved($0, bits.next()) }
  }

  /// The states of a prompt, made when it begins and dropped when it ends.
  private func states(of slice: PromptBatch.Slice) throws -> States {
    if left <= 0 { states[slice.prompt]?.moved = [] }
    let found = try states[slice.prompt] ?? makeStates(prompts[slice.prompt].count)
    states[slice.prompt] = found
    if !found.moved.isEmpty { left -= slice.positions.count }
    return found
  }

  private func makeStates(_ count: Int) throws -> States {
    func make() throws -> SequenceState {
      try SequenceState(model, capacity: count, segmentLength: workspace.segmentLength)
    }
    return States(plain: try make(), moved: left > 0 ? try draws.map { _ in try make() } : [])
  }
}
