import Canonical
import Runtime

extension Verifier {
  /// Judges layers whose weights differ by more than rounding although their outputs do not.
  ///
  /// If one change alone alters the output but all together do not, the changes cancel, as a permutation of
  /// heads does, and the layer is sound. If no change alters the output, running cannot decide, and the
  /// weights do.
  /// - Throws: as `compare`.
  /// - Cost: these layers on at most 256 positions, once for each tensor that differs until one shows.
  func judge(
    _ changes: ValueChanges, _ report: inout VerificationReport, _ expected: ComputedOutputs,
    _ prompt: [Int]
  ) throws {
    for layer in report.layers.indices {
      let found = changes.layers[layer, default: []].filter { !gate.passes($0.gap) }
      if gate.comparesValues { report.layers[layer].changes = found }
    }
    let open = report.layers.filter { !$0.changes.isEmpty && gate.passes($0.step) }
    guard !open.isEmpty else { return }
    let tokens = Array(prompt.prefix(workspace.segmentLength))
    expected.start([tokens])
    let segment = try expected.next([.init(prompt: 0, positions: 0..<tokens.count)])[0]
    for layer in open {
      let shows = try layer.changes.contains { change in
        try self.shows(change, of: layer, changes, tokens, segment)
      }
      report.layers[layer.index].isSpoiltUnseen = !shows
    }
  }

  /// Whether the layer adds something else where one of its tensors is that of the other model.
  private func shows(
    _ change: TensorChange, of layer: VerificationReport.Layer, _ changes: ValueChanges,
    _ tokens: [Int], _ segment: ExpectedSegment
  ) throws -> Bool {
    var mixed = changes.here
    mixed.tensors[change.role] = changes.there.tensors[change.role]
    let model = try model.replacing(layer: layer.index, from: mixed)
    let state = try SequenceState(
      model, capacity: tokens.count, segmentLength: workspace.segmentLength)
    let input = segment.hidden[layer.index]
    let rows = try model.forward(layer: layer.index, tokens, on: input, state, workspace)
    var step = StepComparison()
    step.add(rows.values, input: input, reference: segment.hidden[layer.index + 1])
    (step.noise, step.rounding) = (layer.step.noise, layer.step.rounding)
    return !gate.passes(step)
  }
}
