import Canonical
import Diagnostics
import LinearAlgebra

/// The tensors of a layer that is replaced.
public struct ReplacedTensors {
  let source: CanonicalModel
  let layer: Int

  /// The width of the model.
  var H: Int { source.configuration.hidden }

  /// A tensor of the layer, by the name of its role without the kind of mixer.
  /// - Throws: `Problem` where it is absent, of another shape, or cannot be computed with.
  func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> Matrix {
    let role = "\(source.configuration.layers[layer].mixer.kind).\(name)"
    let tensor = try source.tensor(Role(role, layer: layer))
    guard tensor.count == rows * columns else {
      throw Problem(
        .invalid, "\(role) has another shape than the configuration says",
        tensor: tensor.origin, layer: layer, expected: "\(rows) × \(columns)",
        found: "\(tensor.shape)")
    }
    return Matrix(rows: rows, columns: columns, try tensor.floats())
  }
}
