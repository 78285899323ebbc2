import Canonical
import Diagnostics
import Runtime

/// What one mixer of a model reads and writes on some sequences.
struct MixerRecording {
  /// The number of sequences.
  let sequences: Int
  /// The tokens of each.
  let length: Int
  /// `[sequences, length, H]`
  let inputs: FloatBuffer
  /// `[sequences, length, H]`
  let outputs: FloatBuffer
  /// The mean square of the outputs.
  let power: Double

  /// Runs a model over sequences of one length, states carried from segment to segment.
  /// - Throws: `Problem` of kind `invalid` where a value is not finite, or all outputs are the same.
  /// - Cost: `8 · tokens · H` bytes.
  init(_ model: Model, layer: Int, _ rows: [[Int]], threads: Int) throws {
    let H = model.configuration.hidden
    let length = rows.first?.count ?? 0
    let (inputs, outputs) = (
      try FloatBuffer(rows.count * length * H), try FloatBuffer(rows.count * length * H)
    )
    let workspace = try Workspace(model, threads: threads)
    let state = try SequenceState(model, capacity: length)
    for (index, row) in rows.enumerated() {
      state.reset()
      let observer = ForwardObserver(mixer: { at, input, output in
        guard at == layer, let x = input.values.baseAddress, let y = output.values.baseAddress
        else { return }
        let place = (index * length + input.positions.lowerBound) * H
        (inputs.pointer + place).update(from: x, count: input.values.count)
        (outputs.pointer + place).update(from: y, count: output.values.count)
      })
      try model.observe(row, state, workspace, observer)
    }
    (self.inputs, self.outputs) = (inputs, outputs)
    (sequences, self.length) = (rows.count, length)
    power = try Self.power(outputs, inputs, layer)
  }

  private static func power(_ outputs: FloatBuffer, _ inputs: FloatBuffer, _ layer: Int) throws
    -> Double
  {
    var (sum, check) = (0.0, 0.0)
    var isConstant = true
    for index in 0..<outputs.count {
      let value = outputs.pointer[index]
      sum += Double(value) * Double(value)
      check += Double(inputs.pointer[index])
      if value != outputs.pointer[0] { isConstant = false }
    }
    guard sum.isFinite, check.isFinite else {
      throw Problem(
        .invalid, "the layer reads or writes values that are not finite", layer: layer,
        remedy: "look at the weights with graft inspect --audit")
    }
    guard !isConstant else {
      throw Problem(
        .invalid, "the layer writes the same everywhere, so that there is nothing to fit",
        layer: layer, found: "\(outputs.count > 0 ? outputs.pointer[0] : 0)",
        remedy: "use --init zero")
    }
    return sum / Double(max(outputs.count, 1))
  }
}
