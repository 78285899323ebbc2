import Canonical
import Diagnostics
import Kernels
import Runtime
import Threads

/// An M²RNN layer that is run and differentiated, with values in one buffer (`LayerShape`).
///
/// Sequences run side by side, a segment of each at a time, with states carried from segment to segment;
/// gradients end where a segment begins. Every value is summed in an order that does not depend on the
/// number of threads.
final class FittedLayer {
  let shape: LayerShape
  /// The sequences that run side by side.
  let sequences: Int
  /// The tokens of a segment.
  let length: Int
  let pool: ThreadPool
  let parameters: FloatBuffer
  let gradient: FloatBuffer
  let memory: LayerMemory
  /// The last inputs of the convolutions, `[sequences, taps - 1, C]`.
  let tails: FloatBuffer
  /// `[sequences, N, K, Vp]`
  let states: FloatBuffer
  /// The state weights, `[N, Vp, Vp]`, padded with zeros, and the same transposed.
  let padded: FloatBuffer
  let paddedTransposed: FloatBuffer
  /// What one worker needs for the recurrence of one head.
  let workers: FloatBuffer

  init(_ shape: LayerShape, sequences: Int, length: Int, pool: ThreadPool) throws {
    (self.shape, self.sequences, self.length, self.pool) = (shape, sequences, length, pool)
    parameters = try FloatBuffer(shape.parameterCount)
    gradient = try FloatBuffer(shape.parameterCount)
    memory = try LayerMemory(shape, sequences: sequences, length: length)
    tails = try FloatBuffer(sequences * (shape.taps - 1) * shape.C)
    states = try FloatBuffer(sequences * shape.N * shape.K * shape.Vp)
    padded = try FloatBuffer(shape.N * shape.Vp * shape.Vp)
    paddedTransposed = try FloatBuffer(shape.N * shape.Vp * shape.Vp)
    workers = try FloatBuffer(pool.threads * Self.workerCount(shape, length))
  }

  private static func workerCount(_ s: LayerShape, _ length: Int) -> Int {
    (2 * length + 3) * s.K * s.Vp + 2 * s.Vp
  }

  func scratch(_ worker: Int) -> MutableFloats {
    workers.pointer + worker * Self.workerCount(shape, length)
  }

  /// Where one worker keeps the states of one head.
  func history(_ worker: Int) -> MatrixRecurrenceHistory {
    let (states, size) = (scratch(worker), shape.K * shape.Vp)
    let candidates = states + (length + 1) * size
    return MatrixRecurrenceHistory(
      states: states, candidates: candidates, scratch: candidates + length * size)
  }

  /// The values of a parameter of the layer.
  func values(_ parameter: LayerShape.Parameter) -> MutableFloats {
    parameters.pointer + shape.offset(parameter)
  }

  /// The gradient of a parameter of the layer.
  func gradient(_ parameter: LayerShape.Parameter) -> MutableFloats {
    gradient.pointer + shape.offset(parameter)
  }

  /// Puts all sequences at their beginning.
  func restart() {
    tails.pointer.update(repeating: 0, count: tails.count)
    states.pointer.update(repeating: 0, count: states.count)
  }

  /// Takes the values of a layer of a model.
  func load(_ model: CanonicalModel, layer: Int) throws {
    for parameter in LayerShape.Parameter.allCases {
      let tensor = try model.tensor(Role(LayerShape.role(parameter), layer: layer))
      guard tensor.count == shape.count(parameter) else {
        throw Problem(
          .invalid, "\(LayerShape.role(parameter)) has another shape than the configuration says",
          layer: layer, expected: "\(shape.count(parameter)) values", found: "\(tensor.count)")
      }
      values(parameter).update(from: try tensor.floats(), count: tensor.count)
    }
  }

  /// Puts the values into a layer of a model.
  func store(to model: inout CanonicalModel, layer: Int) {
    for parameter in LayerShape.Parameter.allCases {
      let role = Role(LayerShape.role(parameter), layer: layer)
      guard let old = model.tensors[role] else { continue }
      let new = Array(UnsafeBufferPointer(start: values(parameter), count: shape.count(parameter)))
      model.tensors[role] = CanonicalTensor(
        shape: old.shape, values: new, origin: CanonicalTensor.newOrigin)
    }
  }
}
