import Canonical
import GraftTestSupport
import Kernels
import Packing
import Tensors
import Testing

@testable import Runtime

/// Products in tiles are those of floats, whatever the sizes and the type of the weights.
@Suite(.serialized) struct TiledProductTests {
  private struct Product {
    var tokens: Int
    var depth: Int
    var rows: Int
    var x: [Float]
    var w: [Float]
    var bias: [Float]?

    init(_ tokens: Int, _ depth: Int, _ rows: Int) {
      (self.tokens, self.depth, self.rows) = (tokens, depth, rows)
      var generator = SeededGenerator(seed: UInt64(tokens * 10_000 + depth * 100 + rows))
      x = (0..<tokens * depth).map { _ in generator.float() }
      w = (0..<rows * depth).map { _ in generator.float() }
      bias = (0..<rows).map { _ in generator.float() }
    }

    /// The result with the weights as they are stored, `[tokens, rows]`.
    func run(
      _ tensor: CanonicalTensor, _ parts: any PartKernels.Type, threads: Int = 1
    ) throws -> [Float] {
      let projection = Projection(
        weight: try WeightMatrix(tensor, rows: rows, columns: depth),
        bias: try bias.map { try FloatBuffer($0) })
      let input = try FloatBuffer(x)
      let panels = try FloatBuffer(TiledProduct.panelCount(tokens: tokens, depth: depth))
      panels.pointer.update(repeating: .nan, count: panels.count)
      let scratch = try FloatBuffer(TiledProduct.scratchCount(tokens: tokens))
      scratch.pointer.update(repeating: .nan, count: scratch.count)
      let y = try FloatBuffer(tokens * rows)
      let operand = Operand(
        rows: input.pointer, panels: panels.pointer, tokens: tokens, depth: depth, threads: threads)
      for panel in 0..<TiledProduct.panels(tokens) {
        TiledProduct.pack(panel: panel, operand, parts)
      }
      let product = TiledProduct(projection, operand, parts, EmulatedTiles.self)
      for chunk in 0..<TiledProduct.chunks(rows: rows, operand) {
        product.run(chunk: chunk, to: y.pointer, stride: rows, scratch: scratch.pointer)
        #expect(!EmulatedTiles.isReady)
      }
      return (0..<tokens * rows).map { y.pointer[$0] }
    }

    /// The greatest difference from the exact result, in units of the last place of the sum of magnitudes.
    func error(_ y: [Float], _ w: [Float]) -> Double {
      var worst = 0.0
      for token in 0..<tokens {
        for row in 0..<rows {
          var (exact, size) = (Double(bias?[row] ?? 0), abs(Double(bias?[row] ?? 0)))
          for k in 0..<depth {
            let product = Double(x[token * depth + k]) * Double(w[row * depth + k])
            (exact, size) = (exact + product, size + abs(product))
          }
          worst = max(worst, abs(Double(y[token * rows + row]) - exact) / size * 0x1p24)
        }
      }
      return worst
    }
  }

  private func bf16(_ product: Product) -> (CanonicalTensor, [Float]) {
    let bits = product.w.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
    let bytes = OwnedBytes(bits.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    let tensor = CanonicalTensor(
      shape: [product.rows, product.depth], type: .bf16, region: ByteRegion(bytes),
      view: StridedView(contiguous: [product.rows, product.depth]), steps: [], origin: "w")
    return (tensor, bits.map { Float(bitPattern: UInt32($0) << 16) })
  }

  @Test(arguments: [
    (2, 1, 1), (3, 31, 7), (16, 32, 16), (17, 33, 17), (32, 64, 32), (33, 100, 40), (70, 5, 33),
    (130, 40, 3), (2, 3, 260), (5, 513, 31),
  ])
  func productsOfEverySize(_ tokens: Int, _ depth: Int, _ rows: Int) throws {
    let product = Product(tokens, depth, rows)
    let (stored, rounded) = bf16(product)
    #expect(product.error(try product.run(stored, kernels.parts), rounded) < 3)
    let floats = CanonicalTensor(shape: [rows, depth], values: product.w, origin: "w")
    #expect(product.error(try product.run(floats, kernels.parts), product.w) < 3)
  }

  @Test func threadsDoNotChangeSums() throws {
    let product = Product(300, 5, 3)
    let floats = CanonicalTensor(shape: [3, 5], values: product.w, origin: "w")
    #expect(
      try product.run(floats, kernels.parts) == product.run(floats, kernels.parts, threads: 16))
  }

  /// Few columns, so that the error of a part left out would not drown in that of the sum.
  @Test func everyPartCounts() throws {
    var product = Product(32, 1, 32)
    product.bias = nil
    let floats = CanonicalTensor(shape: [32, 1], values: product.w, origin: "w")
    #expect(product.error(try product.run(floats, kernels.parts), product.w) < 4)
  }

  /// Rows that lie apart.
  @Test func rowsAreReadWhereTheyLie() throws {
    let (stored, rounded) = bf16(Product(4, 20, 6))
    var product = Product(4, 20, 2)
    product.bias = nil
    let tensor = CanonicalTensor(
      shape: [2, 20], type: .bf16, region: stored.region,
      view: StridedView(offset: 40, axes: [.init(2, 40), .init(20, 1)]), steps: [], origin: "w")
    let rows = [2, 4].flatMap { rounded[$0 * 20..<($0 + 1) * 20] }
    #expect(product.error(try product.run(tensor, kernels.parts), rows) < 3)
  }

  @Test func infinitiesAndTheGreatestValuesAreKept() throws {
    var product = Product(2, 3, 1)
    product.bias = nil
    product.w = [0.5, 1, 0]
    for (value, expected) in [
      (Float.infinity, Float.infinity), (-.infinity, -.infinity), (.nan, .nan),
      (.greatestFiniteMagnitude, .greatestFiniteMagnitude / 2), (0x1p-149, 0), (-0.0, 0),
    ] {
      product.x = [value, 0, 1, value, 0, 0]
      let floats = CanonicalTensor(shape: [1, 3], values: product.w, origin: "w")
      for y in try product.run(floats, kernels.parts) {
        #expect(y == expected || y.isNaN && expected.isNaN, "\(value)")
      }
    }
  }

  /// All processors split alike: three parts add up to the value, and those that are zero are not counted.
  @Test func partsAddUp() throws {
    let edges: [Float] = [
      0, -0.0, 1, -1 / 3, 0x1.fffffep0, 0x1.00ffp3, .greatestFiniteMagnitude, 1e-20,
    ]
    var generator = SeededGenerator(seed: 9)
    let values = edges + (0..<40).map { _ in generator.float() }
    for set in runnableKernels() {
      let (parts, count) = try split(values, set.parts)
      for (index, value) in values.enumerated() {
        #expect(parts[0][index] + (parts[1][index] + parts[2][index]) == value, "\(set.name)")
      }
      #expect(count == 3)
      #expect(try split([0, 1, 0x1.ffcp0], set.parts).count == 2)
      #expect(try split([1.5, -0.0, -3], set.parts).count == 1)
    }
  }

  private func split(_ values: [Float], _ parts: any PartKernels.Type) throws -> (
    values: [[Float]], count: Int
  ) {
    let steps = PartShape.steps(values.count)
    let row = try FloatBuffer(values)
    let band = try FloatBuffer(PartShape.parts * steps * PartShape.pairBytes / 4)
    let bytes = UnsafeMutableRawPointer(band.pointer)
    let count = parts.splitWeights(
      FloatRows(row.pointer, stride: values.count), count: 1, depth: values.count, band: bytes)
    let split = (0..<PartShape.parts).map { part in
      values.indices.map { k in
        let step = part * steps + k / PartShape.step
        let place = bytes + step * PartShape.pairBytes + k % PartShape.step * 2
        return Float(bitPattern: UInt32(place.load(as: UInt16.self)) << 16)
      }
    }
    return (split, count)
  }
}
