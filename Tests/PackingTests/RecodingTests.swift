import GraftTestSupport
import JSON
import Packing
import Tensors
import Testing

/// Codes that are written into other parts, rows in another order among them, stand for the same values.
struct RecodingTests {
  /// The weights of the repository whose rows are codes, each with how its library packed it.
  private static let cases = PackedCase.all.filter { $0.directory == Fixtures.path("packed") }

  private func weights(_ packed: PackedCase) throws -> [(module: String, weight: any PackedWeight)]
  {
    let parts = try packed.parts()
    return try packed.weights.compactMap { entry in
      try packed.open(entry, parts).map { (entry.module, $0) }
    }
  }

  /// The weight of parts as a method reads them.
  private func opened(_ weight: RecodedWeight, _ module: String, _ target: PackedTarget)
    throws
    -> any PackedWeight
  {
    let method = try #require(PackedCase.methods[target.library.rawValue])
    let claim = try target.claim([module: weight.entry], plain: [])
    let parts = Dictionary(uniqueKeysWithValues: weight.parts.map { ($0.name, $0) })
    let opened = try method.anchors.lazy.compactMap { anchor in
      try method.init(claim: claim).weight(of: module, anchor: anchor) { parts[module + $0] }
    }.first
    return try #require(opened)
  }

  private func bytes(_ region: ByteRegion) throws -> [UInt8] { try region.withBytes { Array($0) } }

  private func expectSame(_ parts: [PackedPart], _ others: [PackedPart], _ module: String) throws {
    for part in others {
      let written = try #require(parts.first { $0.name == part.name }, "\(part.name)")
      #expect(written.type == part.type && written.shape == part.shape, "\(part.name)")
      #expect(try bytes(written.region) == bytes(part.region), "\(part.name)")
    }
    #expect(parts.count == others.count, "\(module): \(parts.map(\.name))")
  }

  /// Every library's own parts are written again byte for byte.
  @Test(arguments: cases) func theOwnPartsComeBack(packed: PackedCase) throws {
    for (module, weight) in try weights(packed) {
      guard let rows = weight.coded, let library = PackedTarget.Library(of: weight.scheme) else {
        continue
      }
      let target = try PackedTarget(library, claim: packed.claim)
      let written = try target.weight(rows, module: module, beside: weight.scaleType)
      try expectSame(written.parts, weight.parts, module)
      #expect(written.scheme == weight.scheme, "\(module)")
    }
  }

  private static let pairs: [(String, PackedTarget.Library)] = [
    ("awq-q35-g64", .mlx), ("awq-q35-g64", .gptq), ("awq-q35-g64", .compressedTensors),
    ("gptq-q35-4bit-g64-v1", .mlx), ("gptq-q35-4bit-g64-v1", .awq),
    ("ct-q35-int4-g128-sym", .mlx), ("ct-q35vl-int4-g32-sym", .mlx),
    ("ct-q35moe-int4-g32-asym", .mlx), ("ct-q3next-int8-channel", .mlx),
    ("gptq-q35moe-4bit-g32-actorder-asym-v2", .compressedTensors),
    ("mlx-q35-mxfp8", .compressedTensors), ("modelopt-q35-fp8", .compressedTensors),
    ("ct-olmo-fp8-tensor", .modelOpt), ("ct-q35-fp8-channel", .modelOpt),
  ]

  /// Another library's parts hold the same values, and from them the parts of the first come back.
  @Test(arguments: pairs) func otherPartsHoldTheSame(name: String, library: PackedTarget.Library)
    throws
  {
    let packed = try #require(PackedCase.named(name))
    for (module, weight) in try weights(packed) {
      let rows = try #require(weight.coded)
      let target = try PackedTarget(library, claim: nil)
      let there = try opened(
        try target.weight(rows, module: module, beside: weight.scaleType), module, target)
      #expect(there.shape == weight.shape && there.scheme.method != weight.scheme.method)
      #expect(try there.values() == weight.values(), "\(module)")
      let own = try #require(PackedTarget.Library(of: weight.scheme))
      let back = try PackedTarget(own, claim: packed.claim)
        .weight(#require(there.coded), module: module, beside: weight.scaleType)
      try expectSame(back.parts, weight.parts, module)
    }
  }

  @Test(arguments: BlockRows.types) func blocksComeBack(_ type: ScalarType) throws {
    var random = SplitMix64(seed: 3)
    let shape = [3, 128]
    let size = try #require(TensorShape.byteCount(shape, type))
    // Bytes below 0x78 are finite scales in F16 and E4M3.
    let bytes = (0..<size).map { _ in UInt8.random(in: 0..<0x78, using: &random) }
    let region = ByteRegion(OwnedBytes(bytes))
    let rows = try #require(BlockRows(type, shape: shape, region: region))
    let blocks = try BlockRows.region(type, of: rows)
    let again = try #require(blocks)
    #expect(try self.bytes(again) == bytes)
    #expect(try again.withBytes(in: 5..<size - 7) { Array($0) } == Array(bytes[5..<size - 7]))
    let target = try PackedTarget(.mlx, claim: nil)
    let mlx = try opened(target.weight(rows, module: "m", beside: nil), "m", target)
    let values = try [Float](unsafeUninitializedCapacity: 384) { buffer, count in
      try region.withBytes { StoredValues.load($0, 0..<384, type, into: buffer.baseAddress!) }
      count = 384
    }
    #expect(try mlx.values() == values)
  }

  // MARK: Rows in another order

  /// A weight of which the second half of the rows comes first, and whose columns move by 64.
  @Test func rowsAndColumnsMove() throws {
    let packed = try #require(PackedCase.named("ct-q35-int4-g128-sym"))
    let weight = try #require(try weights(packed).first?.weight)
    let (rows, columns) = (weight.shape[0], weight.shape[1])
    let view = StridedView(
      offset: 0,
      axes: [
        .init(2, rows / 2 * columns, table: [1, 0]), .init(rows / 2, columns),
        .init(2, columns / 2, table: [1, 0]), .init(columns / 2, 1),
      ])
    let pairing = PairedView(source: view, target: StridedView(contiguous: weight.shape))
    let order = try #require(RowOrder([pairing], to: weight.shape))
    let moved = try MovedRows([#require(weight.coded)], order, shape: weight.shape)
    let target = try PackedTarget(.mlx, claim: nil)
    let written = try opened(target.weight(moved, module: "m", beside: nil), "m", target)
    let (before, after) = (try weight.values(), try written.values())
    for index in before.indices {
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let source = (row + rows / 2) % rows * columns + (column + columns / 2) % columns
      #expect(after[index] == before[source])
    }
  }

  @Test func elementsThatLeaveTheirRowAreNoOrder() {
    let view = StridedView(offset: 0, axes: [.init(64, 1), .init(4, 64)])
    let pairing = PairedView(source: view, target: StridedView(contiguous: [4, 64]))
    #expect(RowOrder([pairing], to: [4, 64]) == nil)
    let half = PairedView(
      source: StridedView(contiguous: [2, 64]), target: StridedView(contiguous: [2, 64]))
    #expect(RowOrder([half], to: [4, 64]) == nil)
  }

  // MARK: Refusals

  private func obstacle(_ name: String, to library: PackedTarget.Library) throws
    -> RecodingObstacle?
  {
    let packed = try #require(PackedCase.named(name))
    let (module, weight) = try #require(try weights(packed).first)
    do {
      let target = try PackedTarget(library, claim: nil)
      _ = try target.weight(#require(weight.coded), module: module, beside: nil)
      return nil
    } catch let obstacle as RecodingObstacle { return obstacle }
  }

  private static let refused: [(String, PackedTarget.Library, String)] = [
    ("mlx-q35-affine4-g64", .compressedTensors, "biases that are none"),
    ("mlx-q35-affine4-g64", .awq, "integers of 4 bits"),
    ("gptq-q35moe-4bit-g32-actorder-asym-v2", .mlx, "columns in groups of any order"),
    ("ct-q35moe-nvfp4", .mlx, "others"),
    ("ct-q35-fp8-channel", .mlx, "floats of 8 bits"),
    ("mlx-q35-mxfp8", .gptq, "floats of 8 bits"),
    ("bnb-q35vl-int8", .mlx, "scales of more"),
  ]

  @Test(arguments: refused)
  func whatAnotherLibraryCannotHold(name: String, library: PackedTarget.Library, found: String)
    throws
  {
    let obstacle = try #require(try obstacle(name, to: library))
    #expect(obstacle.found.contains(found), "\(obstacle)")
  }
}

extension PackedWeight {
  /// The type of scales that are floats, as those have in which plain weights stand beside them.
  fileprivate var scaleType: ScalarType? { parts.first { $0.type.isFloat }?.type }
}
