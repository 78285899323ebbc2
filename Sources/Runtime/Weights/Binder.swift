import Canonical
import Diagnostics

/// Takes the weights of one layer, or of the model, out of a canonical model.
struct Binder {
  let model: CanonicalModel
  let layer: Int?

  /// The matrix of a role.
  /// - Parameter reorders: as of `WeightMatrix`.
  /// - Throws: `Problem` of kind `invalid` where it is absent or has another shape.
  func matrix(
    _ name: String, _ rows: Int, _ columns: Int, expert: Int? = nil, reorders: Bool = false
  ) throws -> WeightMatrix {
    let tensor = try model.tensor(Role(name, layer: layer, expert: expert))
    try check(tensor, name, [rows, columns])
    return try WeightMatrix(tensor, rows: rows, columns: columns, reorders: reorders)
  }

  /// The matrix of a role and its bias, where the model has one.
  func projection(
    _ name: String, _ rows: Int, _ columns: Int, bias: Bool = false, expert: Int? = nil
  ) throws -> Projection {
    Projection(
      weight: try matrix(name, rows, columns, expert: expert),
      bias: bias ? try vector(name + ".bias", [rows]) : nil)
  }

  /// The tensor of a role, which is not read.
  /// - Throws: `Problem` of kind `invalid` where it is absent or has another shape.
  func tensor(_ name: String, _ shape: [Int]) throws -> CanonicalTensor {
    let tensor = try model.tensor(Role(name, layer: layer))
    try check(tensor, name, shape)
    return tensor
  }

  /// The values of a small tensor.
  /// - Throws: `Problem` of kind `invalid` where it is absent or has another shape.
  func values(_ name: String, _ shape: [Int]) throws -> [Float] {
    let tensor = try model.tensor(Role(name, layer: layer))
    try check(tensor, name, shape)
    return try tensor.floats()
  }

  /// The values of a small tensor, in memory that kernels read.
  func vector(_ name: String, _ shape: [Int]) throws -> FloatBuffer {
    try FloatBuffer(values(name, shape))
  }

  /// Whether the model has the role.
  func has(_ name: String) -> Bool { model.tensors[Role(name, layer: layer)] != nil }

  /// A norm with the model's kind, eps and centre.
  func norm(_ name: String, _ width: Int) throws -> Norm {
    let configuration = model.configuration
    var weight = try values(name, [width])
    if configuration.normIsZeroCentred { weight = weight.map { 1 + $0 } }
    let bias = configuration.norm == .layernorm && has(name + ".bias")
    return Norm(
      kind: configuration.norm, width: width, epsilon: Float(configuration.normEpsilon),
      weight: try FloatBuffer(weight), bias: bias ? try vector(name + ".bias", [width]) : nil)
  }

  /// An activation; a learned slope is taken from the role.
  func activation(_ kind: Activation, slope name: String) throws -> ActivationFunction {
    let slope = kind == .prelu ? try values(name, [1]) : [0]
    return ActivationFunction(kind, slope: slope.first ?? 0)
  }

  private func check(_ tensor: CanonicalTensor, _ name: String, _ shape: [Int]) throws {
    guard tensor.shape == shape else {
      throw Problem(
        .invalid, "\(name) has another shape than the configuration says", tensor: tensor.origin,
        layer: layer, expected: "\(shape)", found: "\(tensor.shape)")
    }
  }
}
