import Kernels
import Runtime

/// The memory of one step of fitting: what the forward pass leaves for the gradient.
///
/// `M` rows are `sequences` of `length` tokens, one after the other.
struct LayerMemory {
  let x: FloatBuffer  // [M, H]
  let target: FloatBuffer  // [M, H]
  let rows: FloatBuffer  // [M, R]: projections, then their gradient
  let history: FloatBuffer  // [sequences, taps - 1 + length, C]
  let before: FloatBuffer  // [M, C], before the activation
  let sigmoid: FloatBuffer  // [M, C]
  let mixed: FloatBuffer  // [M, C], after the activation, then its gradient
  let softplus: FloatBuffer  // [M, N]
  let forget: FloatBuffer  // [M, N]
  let dForget: FloatBuffer  // [M, N]
  let y: FloatBuffer  // [M, NV], then its gradient
  let gate: FloatBuffer  // [M, NV], sigmoid of the gate
  let normed: FloatBuffer  // [M, NV], without weight
  let weighted: FloatBuffer  // [M, NV], then its gradient
  let scale: FloatBuffer  // [M], rsqrt of the mean square
  let output: FloatBuffer  // [M, H], then its gradient
  let transposed: FloatBuffer  // what a product needs transposed
  let startStates: FloatBuffer  // [sequences, N, K, Vp]
  let dQueries: FloatBuffer  // [sequences, N, length, K]
  let dKeys: FloatBuffer  // [sequences, N, length, K]
  let dWeights: FloatBuffer  // [sequences, N, Vp, Vp]

  init(_ s: LayerShape, sequences: Int, length: Int) throws {
    let M = sequences * length
    x = try FloatBuffer(M * s.H)
    target = try FloatBuffer(M * s.H)
    rows = try FloatBuffer(M * s.R)
    history = try FloatBuffer(sequences * (s.taps - 1 + length) * s.C)
    before = try FloatBuffer(M * s.C)
    sigmoid = try FloatBuffer(M * s.C)
    mixed = try FloatBuffer(M * s.C)
    softplus = try FloatBuffer(M * s.N)
    forget = try FloatBuffer(M * s.N)
    dForget = try FloatBuffer(M * s.N)
    y = try FloatBuffer(M * s.NV)
    gate = try FloatBuffer(M * s.NV)
    normed = try FloatBuffer(M * s.NV)
    weighted = try FloatBuffer(M * s.NV)
    scale = try FloatBuffer(M)
    output = try FloatBuffer(M * s.H)
    transposed = try FloatBuffer(max(M, s.H, s.NV) * max(s.R, s.H, s.NV))
    startStates = try FloatBuffer(sequences * s.N * s.K * s.Vp)
    dQueries = try FloatBuffer(M * s.N * s.K)
    dKeys = try FloatBuffer(M * s.N * s.K)
    dWeights = try FloatBuffer(sequences * s.N * s.Vp * s.Vp)
  }
}
