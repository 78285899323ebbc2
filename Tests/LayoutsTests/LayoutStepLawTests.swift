import Canonical
import Diagnostics
import GraftTestSupport
import Tensors
import Testing

@testable import Layouts

/// Every structural step, on seeded random shapes, against the plain form of the step.
struct LayoutStepLawTests {
  /// Where a built tensor says each canonical element lies, as the tensor it would write.
  private func written(_ builder: TensorBuilder, _ parts: [PlainTensor]) -> PlainTensor {
    var values = Array(repeating: -1, count: builder.shape.reduce(1, *))
    for (part, plain) in zip(builder.parts, parts) {
      let positions = part.view.positions
      guard positions.count == plain.values.count, positions.allSatisfy(values.indices.contains)
      else { return PlainTensor(shape: builder.shape, values: []) }
      for (element, position) in positions.enumerated() {
        values[position] = plain.values[element]
      }
    }
    return PlainTensor(shape: builder.shape, values: values)
  }

  private func random(_ generator: inout SeededGenerator, _ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  @Test(arguments: 0..<300)
  func singlePartChain(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var shape = (0..<random(&generator, 1...3)).map { _ in random(&generator, 1...4) }
    let axis = random(&generator, 0...(shape.count - 1))
    let factors = (0..<random(&generator, 1...3)).map { _ in random(&generator, 1...3) }
    shape[axis] = factors.reduce(1, *)
    var plain = PlainTensor(shape: shape)
    var builder = TensorBuilder(part: Role("embedding"), shape: shape)
    let canonical = plain
    for _ in 0..<4 {
      try step(&generator, axis: axis, factors: factors, &plain, &builder)
    }
    #expect(written(builder, [canonical]) == plain)
  }

  private func step(
    _ generator: inout SeededGenerator, axis: Int, factors: [Int], _ plain: inout PlainTensor,
    _ builder: inout TensorBuilder
  ) throws {
    func apply(_ step: LayoutStep) throws { try builder.apply(step, symbols: [:], expert: 0) }
    switch random(&generator, 0...3) {
    case 0:
      let order = Array(plain.shape.indices).shuffled(using: &generator)
      plain = plain.transposed(order)
      try apply(.transpose(order: order))
    case 1:
      let place = random(&generator, 0...plain.shape.count)
      plain.shape.insert(1, at: place)
      try apply(.unit(axis: place))
    case 2 where plain.shape.indices.contains(axis) && plain.shape[axis] == factors.reduce(1, *):
      let order = Array(factors.indices).shuffled(using: &generator)
      plain = plain.reordered(axis: axis, factors: factors, order: order)
      try apply(
        .reorder(axis: axis, factors: factors.map { try SizeExpression("\($0)") }, order: order))
    default:
      let place = random(&generator, 0...(plain.shape.count - 1))
      let table = Array(0..<plain.shape[place]).shuffled(using: &generator)
      plain = plain.taken(axis: place, table: table)
      try apply(.take(axis: place, table: table))
    }
  }

  @Test(arguments: 0..<300)
  func weaveThenStack(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let groups = random(&generator, 1...4)
    let experts = random(&generator, 1...3)
    let sizes = (0..<random(&generator, 1...4)).map { _ in random(&generator, 1...3) }
    let rest = (0..<random(&generator, 0...2)).map { _ in random(&generator, 1...3) }
    let axis = random(&generator, 0...rest.count)
    let stackAxis = random(&generator, 0...(rest.count + 1))
    var plains: [PlainTensor] = []
    var canonical: [PlainTensor] = []
    var bound: TensorBuilder?
    for expert in 0..<experts {
      let parts = sizes.enumerated().map { place, size in
        var shape = rest
        shape.insert(groups * size, at: axis)
        return PlainTensor(shape: shape, counting: 1000 * (expert * sizes.count + place))
      }
      var builder = try TensorBuilder(
        weaving: parts.map { TensorBuilder(part: Role("embedding"), shape: $0.shape) },
        sizes: sizes, groups: groups, axis: axis)
      let plain = PlainTensor.woven(parts, sizes: sizes, groups: groups, axis: axis)
      #expect(written(builder, parts) == plain)
      try builder.apply(.stack(axis: stackAxis), symbols: ["E": experts], expert: expert)
      plains.append(plain)
      canonical += parts
      if bound == nil { bound = builder } else { bound?.parts += builder.parts }
    }
    let stacked = try #require(bound)
    #expect(written(stacked, canonical) == PlainTensor.stacked(plains, axis: stackAxis))
  }

  /// The trap of fused projections: cut evenly over ranks, every rank gets the wrong rows.
  @Test func tensorParallelPackingIsAWeaveWithOneGroupPerRank() throws {
    let q = PlainTensor(shape: [4, 1], counting: 0)
    let v = PlainTensor(shape: [8, 1], counting: 100)
    let builder = try TensorBuilder(
      weaving: [q, v].map { TensorBuilder(part: Role("embedding"), shape: $0.shape) },
      sizes: [2, 4], groups: 2, axis: 0)
    #expect(
      written(builder, [q, v]).values == [0, 1, 100, 101, 102, 103, 2, 3, 104, 105, 106, 107])
  }

  @Test func splitAndJoinMoveNothing() throws {
    var builder = TensorBuilder(part: Role("embedding"), shape: [6, 2])
    func apply(_ step: LayoutStep) throws {
      try builder.apply(step, symbols: ["tp": 3], expert: 0)
    }
    let ranks = try SizeExpression("tp")
    try apply(.split(axis: 0, factors: [ranks, SizeExpression("6/tp")]))
    #expect(builder.shape == [3, 2, 2])
    try apply(.join(axis: 1, count: 2))
    #expect(builder.shape == [3, 4])
    #expect(builder.parts[0].view.positions == Array(0..<12))
    #expect(throws: Problem.self) { try apply(.split(axis: 1, factors: [ranks])) }
    #expect(throws: Problem.self) { try apply(.join(axis: 1, count: 2)) }
  }

  @Test func partsThatDoNotFitAreRefused() {
    #expect(throws: (any Error).self) {
      try TensorBuilder(
        weaving: [TensorBuilder(part: Role("embedding"), shape: [5, 2])], sizes: [2], groups: 2,
        axis: 0)
    }
  }
}
