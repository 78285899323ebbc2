import Canonical
import GraftTestSupport
import Kernels
import Packing
import Tensors
import Testing

@testable import Runtime

@Suite struct WeightMatrixTests {
  /// A tensor of shape [rows, columns] that lies somehow in a stored one.
  private func tensor(_ shape: [Int], _ view: StridedView, stored: Int, steps: [ValueStep] = [])
    -> CanonicalTensor
  {
    let values = (0..<stored).map { Float($0) }
    return CanonicalTensor(
      shape: shape, type: .f32, region: ByteRegion(OwnedBytes(values)), view: view, steps: steps,
      origin: "stored")
  }

  private func rows(_ matrix: WeightMatrix) -> [Float] {
    var result = [Float](repeating: 0, count: matrix.rows * matrix.columns)
    for row in 0..<matrix.rows {
      result.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return }
        matrix.widen(
          row: row, columns: 0..<matrix.columns, to: start + row * matrix.columns)
      }
    }
    return result
  }

  @Test(arguments: [
    ([6, 4], StridedView(contiguous: [6, 4]), true),
    ([3, 4], StridedView(offset: 4, axes: [.init(3, 8), .init(4, 1)]), true),
    ([6, 4], StridedView(offset: 2, axes: [.init(2, 24), .init(3, 6), .init(4, 1)]), true),
    ([6, 4], StridedView(offset: 0, axes: [.init(2, 20), .init(12, 1)]), true),
    ([4, 3], StridedView(offset: 0, axes: [.init(4, 1), .init(3, 4)]), false),
    ([3, 4], StridedView(offset: 0, axes: [.init(3, 4, table: [2, 0, 1]), .init(4, 1)]), true),
    ([1, 4], StridedView(offset: 3, axes: [.init(4, 1)]), true),
    ([4, 1], StridedView(offset: 3, axes: [.init(4, 5)]), true),
  ])
  func readsRowsWhereTheyLie(_ shape: [Int], _ view: StridedView, inPlace: Bool) throws {
    let tensor = tensor(shape, view, stored: 60)
    let matrix = try WeightMatrix(tensor, rows: shape[0], columns: shape[1])
    #expect(try rows(matrix) == tensor.floats())
    #expect(matrix.isInPlace == inPlace)
  }

  @Test func valueStepsAreUndone() throws {
    let tensor = tensor([2, 2], StridedView(contiguous: [2, 2]), stored: 4, steps: [.shift(1)])
    let matrix = try WeightMatrix(tensor, rows: 2, columns: 2)
    #expect(rows(matrix) == [-1, 0, 1, 2])
    #expect(!matrix.isInPlace)
  }

  /// Rows of Q8_0, tiled value heads among them, are computed from where they are stored.
  @Test(arguments: [
    (StridedView(contiguous: [6, 64]), true),
    (StridedView(offset: 64, axes: [.init(3, 128), .init(2, 64), .init(64, 1)]), true),
    (StridedView(offset: 0, axes: [.init(2, 64), .init(3, 128), .init(64, 1)]), true),
    (
      StridedView(offset: 0, axes: [.init(6, 64), .init(2, 32, table: [1, 0]), .init(32, 1)]), true
    ),
    (StridedView(offset: 0, axes: [.init(6, 64), .init(2, 1), .init(32, 2)]), false),
  ])
  func readsBlocks(_ view: StridedView, inPlace: Bool) throws {
    var generator = SeededGenerator(seed: 3)
    let values = (0..<512).map { _ in generator.float() }
    let bytes = OwnedBytes(count: 16 * 34)
    let place = try #require(bytes.mutableBytes.baseAddress)
    _ = StoredValues.store(values, blocks: 16, to: place, .q8Zero)
    let tensor = CanonicalTensor(
      shape: [6, 64], type: .q8Zero, region: ByteRegion(bytes), view: view, origin: "blocks")
    let matrix = try WeightMatrix(tensor, rows: 6, columns: 64)
    #expect(try rows(matrix) == tensor.floats())
    #expect(matrix.isInPlace == inPlace)
    let x = (0..<64).map { _ in generator.float() }
    let input = try FloatBuffer(x)
    let operand = Operand(rows: input.pointer, panels: input.pointer, tokens: 1, depth: 64)
    let (result, scratch) = (try FloatBuffer(6), try FloatBuffer(4))
    guard matrix.isMultipliedInPlace else { return }
    matrix.multiply(0..<6, operand, to: result.pointer, scratch.pointer)
    let weights = try tensor.floats()
    for row in 0..<6 {
      let expected = (0..<64).reduce(0.0) {
        $0 + Double(x[$1]) * Double(weights[row * 64 + $1])
      }
      #expect(abs(Double(result.pointer[row]) - expected) < 1e-5)
    }
  }

  @Test func wideningIsExact() {
    let all = (0...UInt16.max).map { $0 }
    var got = [Float](repeating: 0, count: all.count)
    all.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      kernels.widening.f16(start, count: all.count, target: &got)
    }
    for (bits, value) in zip(all, got) {
      let expected = FloatBits.float(f16: bits)
      #expect(value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN))
    }
  }

  @Test(arguments: [1, 2, 15, 16, 17, 40], [1, 7, 16, 33, 300])
  func productsOfEverySize(_ tokens: Int, depth: Int) throws {
    var generator = SeededGenerator(seed: UInt64(tokens * 1000 + depth))
    for rows in [1, 5, 48, 61, 200] {
      let x = (0..<tokens * depth).map { _ in generator.float() }
      let w = (0..<rows * depth).map { _ in generator.float() }
      let b = (0..<rows).map { _ in generator.float() }
      let tensor = CanonicalTensor(shape: [rows, depth], values: w, origin: "w")
      let projection = Projection(
        weight: try WeightMatrix(tensor, rows: rows, columns: depth), bias: try FloatBuffer(b))
      let input = try FloatBuffer(x)
      let panels = try FloatBuffer(Operand.panelCount(tokens: tokens, depth: depth))
      let scratch = try FloatBuffer(Projection.scratchCount(tokens: tokens))
      let y = try FloatBuffer(tokens * rows)
      let operand = Operand(
        rows: input.pointer, panels: panels.pointer, tokens: tokens, depth: depth)
      for panel in 0..<Operand.panels(tokens) { operand.pack(panel: panel) }
      for chunk in 0..<projection.chunks(operand) {
        projection.run(
          chunk: chunk, operand, to: y.pointer, stride: rows, scratch: scratch.pointer)
      }
      var worst = 0.0
      for t in 0..<tokens {
        for r in 0..<rows {
          let expected = (0..<depth).reduce(Double(b[r])) {
            $0 + Double(x[t * depth + $1]) * Double(w[r * depth + $1])
          }
          worst = max(worst, abs(Double(y.pointer[t * rows + r]) - expected))
        }
      }
      #expect(worst < 2e-5)
    }
  }
}
