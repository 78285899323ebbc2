import Canonical
import Containers
import Diagnostics
import GraftTestSupport
import Layouts
import Tensors
import Testing

@testable import Conversion

/// Whole blocks of every type are moved as they are; blocks that would be torn apart are not.
struct BlockMoveTests {
  private static let types = ScalarType.allCases.filter { $0.isBlock && $0.isComputable }
  private static let columns = 512
  /// Value heads of two rows: of three to a key head, one key head after the other here, in turns there.
  private static let tiled = StridedView(
    offset: 0, axes: [.init(2, 2 * columns), .init(3, 4 * columns), .init(2 * columns, 1)])

  private func tensor(_ type: ScalarType, _ view: StridedView) -> CanonicalTensor {
    var random = SplitMix64(seed: 9)
    let size = 12 * Self.columns / type.unit.elements * type.unit.bytes
    let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
    return CanonicalTensor(
      shape: [12, Self.columns], type: type, region: ByteRegion(OwnedBytes(bytes)), view: view,
      origin: "w")
  }

  private func move(_ tensor: CanonicalTensor, cast: RequestedType) throws -> TensorMove {
    try TensorMove(
      BoundTensor(carrying: "w", shape: tensor.shape), [tensor], cast: cast, scaleName: nil,
      narrow: nil)
  }

  private func written(_ move: TensorMove) throws -> [UInt8] {
    let scratch = try TemporaryDirectory()
    var sink = try ByteSink(creating: scratch.path.appending("w"))
    _ = try move.write(to: &sink)
    try sink.close()
    return try MappedFile.readAll(scratch.path.appending("w"), limit: 1 << 24)
  }

  @Test(arguments: types)
  func rowsOfTiledHeadsKeepTheirBytes(_ type: ScalarType) throws {
    let source = tensor(type, Self.tiled)
    let moved = try written(move(source, cast: .keep))
    let row = Self.columns / type.unit.elements * type.unit.bytes
    let stored = try source.region.withBytes { Array($0) }
    let order = (0..<12).map { 4 * ($0 / 2 % 3) + 2 * ($0 / 6) + $0 % 2 }
    #expect(moved == order.flatMap { stored[$0 * row..<($0 + 1) * row] })
  }

  /// Dequantised, the same rows have the values of the moved bytes.
  @Test(arguments: types)
  func rowsOfTiledHeadsAreDequantised(_ type: ScalarType) throws {
    let source = tensor(type, Self.tiled)
    let bytes = try written(move(source, cast: .everywhere(.f32)))
    let there = CanonicalTensor(
      shape: source.shape, type: type,
      region: ByteRegion(OwnedBytes(try written(move(source, cast: .keep)))),
      view: StridedView(contiguous: source.shape), origin: "w")
    let expected = try there.floats().flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
    }
    #expect(bytes == expected)
  }

  /// Heads of 64 columns are whole blocks of 32 and 64, and pieces of larger ones.
  @Test(arguments: types)
  func columnsOfHeadsMoveByWholeBlocksOnly(_ type: ScalarType) throws {
    let heads = StridedView(
      offset: 0, axes: [.init(12, Self.columns), .init(2, 64), .init(4, 128), .init(64, 1)])
    let source = tensor(type, heads)
    guard type.unit.elements > 64 else {
      _ = try written(move(source, cast: .keep))
      return
    }
    let problem = try #require(throws: Problem.self) { try move(source, cast: .keep) }
    #expect(problem.what == "a block of quantised values cannot be torn apart")
    #expect(problem.found == type.rawValue)
    #expect(problem.remedy == "choose a type of single values with --dtype f32, bf16 or f16")
    #expect(try !written(move(source, cast: .everywhere(.f32))).isEmpty)
  }

  @Test(arguments: [ScalarType.q8One, .q8K])
  func typesOfInputsAreRefusedByName(_ type: ScalarType) throws {
    var model = CanonicalModel(configuration: ModelConfiguration(), tensors: [:])
    model.tensors[Role("head")] = tensor(type, StridedView(contiguous: [12, Self.columns]))
    let problem = try #require(throws: Problem.self) { try model.tensor(Role("head")) }
    #expect(problem.kind == .unsupported)
    #expect(problem.found == "\(type.rawValue), a type of inputs")
  }
}
