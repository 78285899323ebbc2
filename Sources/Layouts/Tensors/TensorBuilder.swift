import Canonical
import Diagnostics
import Tensors

/// A stored tensor under construction: its shape so far and where each part lies in it.
struct TensorBuilder {
  var shape: [Int]
  var parts: [BoundPart]

  /// Starts with one canonical part.
  init(part role: Role, shape: [Int]) {
    self.shape = shape
    parts = [
      BoundPart(role: role, shape: shape, view: StridedView(contiguous: shape), steps: [])
    ]
  }

  /// Weaves parts side by side along one axis, group by group.
  /// - Throws: `Problem` of kind `invalid` where the parts do not fit each other.
  init(weaving builders: [TensorBuilder], sizes: [Int], groups: Int, axis: Int) throws {
    guard let first = builders.first, axis < first.shape.count else {
      throw Problem(
        .invalid, "a woven tensor needs parts that have the woven axis",
        remedy: FormatValue.remedy)
    }
    for (builder, size) in zip(builders, sizes) {
      let (extent, overflow) = groups.multipliedReportingOverflow(by: size)
      guard builder.shape.count == first.shape.count, !overflow, builder.shape[axis] == extent
      else {
        throw Self.misfit(builder, expected: "\(groups) groups of \(size) on axis \(axis)")
      }
    }
    let total = try Self.sum(sizes)
    shape = first.shape
    let (extent, overflow) = groups.multipliedReportingOverflow(by: total)
    guard !overflow else { throw Self.tooLarge }
    shape[axis] = extent
    try Self.checkCount(shape)
    let inner = shape[(axis + 1)...].reduce(1, *)
    parts = []
    var before = 0
    for (builder, size) in zip(builders, sizes) {
      var fitted = builder.shape
      fitted[axis] = shape[axis]
      guard fitted == shape else {
        throw Self.misfit(builder, expected: "\(TensorShape.text(shape)) but for axis \(axis)")
      }
      // The flat index of a part has three digits: what lies before the axis, the group, and the rest. The first
      // two get the weights of the woven tensor, and the part begins behind those before it in every group.
      let outer = shape[..<axis].reduce(1, *)
      let map = RadixMap(
        [
          .init(outer, from: groups * size * inner, to: groups * total * inner),
          .init(groups, from: size * inner, to: total * inner),
          .init(size * inner, from: 1, to: 1),
        ], offset: before * inner)
      parts += try builder.moved(by: map)
      before += size
    }
  }

  /// The largest sum of sizes; no tensor of a model has a longer axis.
  private static let longest = 1 << 50

  /// The sum of the sizes of all parts in one group.
  private static func sum(_ sizes: [Int]) throws -> Int {
    try sizes.reduce(0) { sum, size in
      guard size <= longest, sum <= longest else { throw tooLarge }
      return sum + size
    }
  }

  /// Refuses shapes whose elements, or those of some of the axes, cannot be counted in 64 bits.
  static func checkCount(_ shape: [Int]) throws {
    guard TensorShape.elementCount(shape.map { max($0, 1) }) != nil else { throw tooLarge }
  }

  private static let tooLarge = Problem(
    .invalid, "a tensor of the model has more elements than fit 64 bits")

  private static func misfit(_ builder: TensorBuilder, expected: String) -> Problem {
    Problem(
      .invalid, "a part does not fit the tensor it is woven into: \(builder.parts[0].role)",
      expected: expected, found: TensorShape.text(builder.shape), remedy: FormatValue.remedy)
  }

  /// Applies one step to everything built so far.
  mutating func apply(_ step: LayoutStep, symbols: [String: Int], expert: Int) throws {
    if case .value(let value) = step {
      for index in parts.indices { parts[index].steps.append(value) }
    }
    guard let effect = try step.effect(on: shape, symbols: symbols, expert: expert) else { return }
    parts = try moved(by: effect.map)
    shape = effect.shape
  }

  private func moved(by map: RadixMap) throws -> [BoundPart] {
    try parts.map { part in
      guard let view = part.view.moved(by: map) else {
        throw Problem(
          .invalid, "a step of the layout cuts through a part: \(part.role)",
          found: TensorShape.text(shape), remedy: FormatValue.remedy)
      }
      return BoundPart(role: part.role, shape: part.shape, view: view, steps: part.steps)
    }
  }
}
