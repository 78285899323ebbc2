import Canonical
import GraftTestSupport
import Kernels
import Packing
import Tensors
import Testing

@testable import Runtime

/// Quantised matrices are computed with where they lie, by kernels or decoded a few rows at a time, and give
/// what their values give.
@Suite struct QuantisedProductTests {
  private static let types: [ScalarType] = [.q8Zero, .q4K, .q6K]

  private func blocks(_ type: ScalarType, rows: Int, columns: Int) -> OwnedBytes {
    var generator = SeededGenerator(seed: 11)
    let count = rows * columns / type.unit.elements * type.unit.bytes
    let scales: Set =
      type == .q6K ? [208, 209] : type.unit.elements == 256 ? [0, 1, 2, 3] : [0, 1]
    return OwnedBytes(
      (0..<count).map { index in
        let limit: UInt8 = scales.contains(index % type.unit.bytes) ? 47 : 255
        return UInt8.random(in: 0...limit, using: &generator)
      })
  }

  private func values(_ type: ScalarType, _ bytes: OwnedBytes, _ count: Int) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    StoredValues.load(bytes.bytes, 0..<count, type, into: &values)
    return values
  }

  /// What every processor's kernels make of blocks.
  @Test(arguments: types) func kernelsReadBlocks(_ type: ScalarType) throws {
    let (rows, columns) = (4, 512)
    let bytes = blocks(type, rows: rows, columns: columns)
    let expected = values(type, bytes, rows * columns)
    let start = try #require(bytes.bytes.baseAddress)
    let count = columns / type.unit.elements
    func row(_ index: Int) -> UnsafeRawPointer { start + index * count * type.unit.bytes }
    let x = random(columns)
    for set in runnableKernels() {
      let kernels = try #require(set.blocks(of: type))
      let result = try FloatBuffer(rows * columns)
      kernels.widen(start, blocks: rows * count, target: result.pointer)
      #expect((0..<rows * columns).allSatisfy { result.pointer[$0] == expected[$0] }, "\(set.name)")
      let arranged = try FloatBuffer(count * kernels.arrangedElements)
      kernels.arrange(x, blocks: count, target: arranged.pointer)
      let input = kernels.arrangedElements == 0 ? try FloatBuffer(x) : arranged
      kernels.dot(
        input.pointer, (row(0), row(1), row(2), row(3)), blocks: count, result: result.pointer)
      expectProducts(result.pointer, x, expected, rows, set.name)
    }
  }

  @Test(arguments: [32, 64, 128], [NibbleShape.Scale.f32, .bf16, .f16])
  func kernelsReadNibbles(_ group: Int, scale: NibbleShape.Scale) throws {
    let (rows, columns) = (4, 256)
    var generator = SeededGenerator(seed: 12)
    let codes = (0..<rows * columns / 2).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let groups = columns / group
    let numbers = (0..<2 * rows * groups).map { _ in
      Float(Int.random(in: -9...9, using: &generator)) / 64
    }
    let (scales, biases) = (numbers.prefix(rows * groups), numbers.suffix(rows * groups))
    for hasBias in [true, false] {
      let zero = hasBias ? 0 : 8
      let weights = (0..<rows * columns).map { index -> Float in
        let code = Float(Int(codes[index / 2] >> (index % 2 == 0 ? 0 : 4) & 15) - zero)
        let place = index / group
        return code * scales[place] + (hasBias ? biases[biases.startIndex + place] : 0)
      }
      let stored = (encoded(Array(scales), scale), encoded(Array(biases), scale))
      let x = random(columns)
      let shape = NibbleShape(group: group, groups: groups, zero: zero, scale: scale)
      for set in runnableKernels() {
        let result = try FloatBuffer(16)
        let split = try FloatBuffer(columns)
        set.dotProducts.split(x, count: columns, target: split.pointer)
        codes.withUnsafeBytes { codes in
          let width = stored.0.count / rows
          func row(_ index: Int) -> NibbleRow {
            NibbleRow(
              codes: codes.baseAddress! + index * columns / 2,
              scales: stored.0.bytes.baseAddress! + index * width,
              biases: hasBias ? stored.1.bytes.baseAddress! + index * width : nil)
          }
          set.nibbles.dot(
            split.pointer, (row(0), row(1), row(2), row(3)), shape, result: result.pointer)
        }
        expectProducts(result.pointer, x, weights, rows, set.name)
      }
    }
  }

  /// A matrix of each way of packing, of rows and columns in every order, with one token and with more.
  @Test(arguments: [ScalarType.q4K, .q5K, .iq4NL, .q8Zero], [false, true])
  func matricesAreNotCopied(_ type: ScalarType, isTiled: Bool) throws {
    let (rows, columns) = (9, 512)
    let bytes = blocks(type, rows: rows, columns: columns)
    let inner: [StridedView.Axis] =
      isTiled ? [.init(2, 256, table: [1, 0]), .init(256, 1)] : [.init(columns, 1)]
    let tensor = CanonicalTensor(
      shape: [rows, columns], type: type, region: ByteRegion(bytes),
      view: StridedView(
        offset: 0, axes: [.init(rows, columns, table: [2, 1, 0, 3, 4, 5, 6, 8, 7])] + inner),
      origin: "blocks")
    try expectProducts(of: tensor, rows, columns)
  }

  @Test func packedWeightsAreNotCopied() throws {
    let (rows, columns) = (150, 64)
    var generator = SeededGenerator(seed: 3)
    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in UInt8.random(in: 0...63, using: &generator) }
    }
    let literal = PackedLiteral.mlx
      .with(".weight", .u32, [rows, columns / 8], bytes(rows * columns / 2))
      .with(".scales", .bf16, [rows, 1], bytes(rows * 2))
      .with(".biases", .bf16, [rows, 1], bytes(rows * 2))
    let weight = try #require(try literal.open())
    let tensor = CanonicalTensor(
      shape: [rows, columns], type: .f32, region: weight.unpacked,
      view: StridedView(contiguous: [rows, columns]), origin: "packed")
    try expectProducts(of: tensor, rows, columns)
    try expectProducts(of: tensor.roundedAgain(1), rows, columns)
  }

  private func expectProducts(of tensor: CanonicalTensor, _ rows: Int, _ columns: Int) throws {
    let expected = try tensor.floats()
    for reorders in [false, true] {
      let matrix = try WeightMatrix(tensor, rows: rows, columns: columns, reorders: reorders)
      #expect(matrix.isInPlace)
      let projection = Projection(weight: matrix, bias: nil)
      for tokens in [1, 3] {
        let x = random(tokens * columns)
        let (input, ordered) = (try FloatBuffer(x), try FloatBuffer(x))
        matrix.order?.arrange(input.pointer, rows: tokens, columns: columns, to: ordered.pointer)
        let found = try products(projection, ordered, tokens)
        for token in 0..<tokens {
          expectProducts(
            UnsafePointer(found.pointer) + token * rows,
            Array(x[token * columns..<(token + 1) * columns]), expected, rows, tensor.origin)
        }
      }
    }
  }

  private func products(_ projection: Projection, _ x: FloatBuffer, _ tokens: Int) throws
    -> FloatBuffer
  {
    let (rows, depth) = (projection.weight.rows, projection.weight.columns)
    let panels = try FloatBuffer(Operand.panelCount(tokens: tokens, depth: depth))
    let scratch = try FloatBuffer(Projection.scratchCount(tokens: tokens))
    let target = try FloatBuffer(tokens * rows)
    let operand = Operand(rows: x.pointer, panels: panels.pointer, tokens: tokens, depth: depth)
    for panel in 0..<Operand.panels(tokens) { operand.pack(panel: panel) }
    for chunk in 0..<projection.chunks(operand) {
      projection.run(
        chunk: chunk, operand, to: target.pointer, stride: rows, scratch: scratch.pointer)
    }
    return target
  }

  private func random(_ count: Int) -> [Float] {
    var generator = SeededGenerator(seed: 21)
    return (0..<count).map { _ in generator.float() }
  }

  private func encoded(_ values: [Float], _ type: NibbleShape.Scale) -> OwnedBytes {
    switch type {
    case .f32: OwnedBytes(values)
    case .bf16:
      OwnedBytes(
        values.flatMap { value in withUnsafeBytes(of: FloatBits.bf16(value)) { Array($0) } })
    case .f16:
      OwnedBytes(
        values.flatMap { value in withUnsafeBytes(of: FloatBits.f16(value)) { Array($0) } })
    }
  }

  /// Sums in any order are as far off as rounding takes them.
  private func expectProducts(
    _ found: UnsafePointer<Float>, _ x: [Float], _ weights: [Float], _ rows: Int, _ what: String
  ) {
    for row in 0..<rows {
      let terms = x.indices.map { Double(x[$0]) * Double(weights[row * x.count + $0]) }
      let size = terms.reduce(0) { $0 + abs($1) }
      #expect(
        abs(Double(found[row]) - terms.reduce(0, +)) <= 1e-6 * size + 1e-12, "\(what) \(row)")
    }
  }
}
