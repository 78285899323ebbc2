import Diagnostics
import Tensors

/// Where a rank stands in its mesh, and what each axis of the mesh does to a tensor.
struct RankPlacement: Hashable {
  /// What an axis of the mesh does.
  enum Axis: Hashable {
    /// All its ranks hold the same.
    case replicated
    /// Its ranks hold pieces along an axis of the tensor, as `torch.chunk` cuts it.
    case cut(Int)
    /// The same, inside the pieces into which the later axes of the mesh cut it: so many of them.
    case cutInside(Int, pieces: Int)
  }

  /// The extents of the mesh.
  let mesh: [Int]
  /// What its axes do, one each.
  let axes: [Axis]
  /// Where the rank stands.
  let coordinate: [Int]
  /// The axes of the mesh in the order in which they cut, where the file says it.
  private let order: [Int]?

  /// The most ranks along an axis.
  private static let mostRanks = 1 << 20

  /// Reads a `DTensorSpec`.
  /// - Parameters:
  ///   - rank: the rank that the name of the file gives, where the spec does not place it.
  ///   - ranks: how many there are.
  /// - Throws: `Problem` of kind `invalid` or `unsupported`.
  init(_ spec: PickleValue, in heap: PickleHeap, rank: Int?, of ranks: Int) throws {
    guard let state = heap.state(of: spec, .shardingSpec),
      let placements = heap.attribute("placements", of: state).flatMap(heap.elements),
      (1...PickleMachine.mostExtents).contains(placements.count),
      let place = heap.attribute("mesh", of: state)
    else { throw Self.other("a mesh and placements") }
    let reader = RankMesh(heap, place)
    let isRow = placements.count == 1
    axes = try placements.map { try Self.axis($0, in: heap) }
    mesh = reader.extents ?? (isRow ? [ranks] : [])
    coordinate = reader.coordinate ?? (isRow && mesh == [ranks] ? rank.map { [$0] } ?? [] : [])
    order = Self.order(heap.attribute("shard_order", of: state), in: heap)
    let isPlaced =
      mesh.count == axes.count && coordinate.count == axes.count
      && zip(mesh, coordinate).allSatisfy {
        (1...Self.mostRanks).contains($0) && (0..<$0).contains($1)
      }
    guard isPlaced else { throw Self.other("the place of a rank in a mesh of \(axes.count) axes") }
  }

  private static func other(_ expected: String) -> Problem {
    Problem(.invalid, "the placement of a DTensor has another form", expected: expected)
  }

  private static func axis(_ value: PickleValue, in heap: PickleHeap) throws -> Axis {
    func number(_ key: String, _ place: Int, _ type: PickleGlobal.Known) -> Int? {
      guard let state = heap.state(of: value, type) else { return nil }
      let listed = heap.elements(state)?.dropFirst(place).first
      return (heap.attribute(key, of: state) ?? listed)?.int
    }
    if heap.state(of: value, .replicate) != nil { return .replicated }
    if let axis = number("dim", 0, .shard) { return .cut(axis) }
    if let axis = number("dim", 0, .stridedShard),
      let pieces = number("split_factor", 1, .stridedShard)
    {
      return .cutInside(axis, pieces: pieces)
    }
    let isSum = [.partial, .partialBefore].contains { heap.state(of: value, $0) != nil }
    throw Problem(
      .unsupported, "a placement of a DTensor that is not read",
      expected: "Shard, _StridedShard or Replicate",
      found: isSum ? "Partial, of which the ranks hold summands" : value.kind)
  }

  /// The order of the axes that cut, of `(axis of the tensor, axes of the mesh)` for each that is cut.
  private static func order(_ value: PickleValue?, in heap: PickleHeap) -> [Int]? {
    guard let entries = value.flatMap(heap.elements), entries.count <= PickleMachine.mostExtents
    else { return nil }
    return entries.flatMap { entry -> [Int] in
      guard case .object(let place) = entry, heap.objects[place].type == .shardOrder,
        let axes = heap.objects[place].arguments.dropFirst().first.flatMap(heap.elements),
        axes.count <= PickleMachine.mostExtents
      else { return [] }
      return axes.compactMap(\.int)
    }
  }

  /// The part of a tensor that the rank holds; nil where the placement does not fit its shape.
  /// - Parameter shape: extents whose product fits an `Int`.
  func part(of shape: [Int]) -> (offsets: [Int], shape: [Int])? {
    var part = (offsets: Array(repeating: 0, count: shape.count), shape: shape)
    guard let sequence = cutting else { return nil }
    for index in sequence {
      guard var axis = cutAxis(index) else { continue }
      if axis < 0 { axis += shape.count }
      guard shape.indices.contains(axis) else { return nil }
      let extent = part.shape[axis]
      let piece = extent / mesh[index] + (extent % mesh[index] == 0 ? 0 : 1)
      let (start, overflow) = piece.multipliedReportingOverflow(by: coordinate[index])
      let first = overflow ? extent : min(start, extent)
      part.offsets[axis] += first
      part.shape[axis] = min(piece, extent - first)
    }
    return part
  }

  private func cutAxis(_ index: Int) -> Int? {
    switch axes[index] {
    case .replicated: nil
    case .cut(let axis), .cutInside(let axis, _): axis
    }
  }

  /// The axes of the mesh in the order in which they cut; nil where the placements contradict each other.
  private var cutting: [Int]? {
    if let order, axes.indices.allSatisfy({ cutAxis($0) == nil || order.contains($0) }) {
      return Set(order).count == order.count && order.allSatisfy(axes.indices.contains)
        ? order : nil
    }
    for (index, axis) in axes.enumerated() {
      guard case .cutInside(let cut, let pieces) = axis else { continue }
      let later = axes.indices.filter { $0 > index && axes[$0] == .cut(cut) }
      // Extents are those of a mesh of files that are there, so that their product is small.
      guard later.reduce(1, { $0 &* mesh[$1] }) == pieces else { return nil }
    }
    let inner = axes.indices.filter { if case .cutInside = axes[$0] { true } else { false } }
    return axes.indices.filter { !inner.contains($0) } + inner
  }

  /// The placement in words.
  var text: String {
    let names = axes.map { axis in
      switch axis {
      case .replicated: "Replicate()"
      case .cut(let axis): "Shard(\(axis))"
      case .cutInside(let axis, let pieces): "_StridedShard(\(axis), \(pieces))"
      }
    }
    return names.joined(separator: ", ") + " over a mesh of \(TensorShape.text(mesh))"
  }

  /// Whether another rank says the same of a tensor.
  func agrees(with other: RankPlacement) -> Bool {
    (mesh, axes, order) == (other.mesh, other.axes, other.order)
  }
}
