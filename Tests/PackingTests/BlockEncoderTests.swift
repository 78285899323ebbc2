import Containers
import GraftTestSupport
import Packing
import Tensors
import Testing

/// Blocks are those that ggml's quantisers make, byte for byte.
struct BlockEncoderTests {
  static let types: [ScalarType] = [
    .q4Zero, .q4One, .q5Zero, .q5One, .q8Zero, .q4K, .q5K, .q6K, .iq4NL, .mxfp4,
  ]

  private static func blocks(_ values: [Float], _ type: ScalarType) throws -> (
    bytes: [UInt8], rounding: Rounding
  ) {
    let count = values.count / type.unit.elements
    let bytes = OwnedBytes(count: count * type.unit.bytes)
    let place = try #require(bytes.mutableBytes.baseAddress)
    let rounding = StoredValues.store(values, blocks: count, to: place, type)
    return (Array(bytes.bytes), rounding)
  }

  @Test(arguments: types)
  func blocksAreThoseOfGGML(_ type: ScalarType) throws {
    let file = try SafetensorsFile(Fixtures.path("gguf/rounded.safetensors"))
    let stored = try #require(file.tensors.first { $0.name == "values" })
    let values = try BlockValueTests.values(stored.region, 0..<stored.elementCount, .f32)
    let expected = try #require(file.tensors.first { $0.name == type.rawValue })
    let wanted = try expected.region.withBytes { Array($0) }
    let found = try Self.blocks(values, type).bytes
    let wrong = found.indices.first { found[$0] != wanted[$0] }
    #expect(found.count == wanted.count && wrong == nil, "row \((wrong ?? 0) * 256 / wanted.count)")
  }

  /// As many blocks as there are, side by side or not.
  @Test(arguments: types)
  func blocksDoNotDependOnOthers(_ type: ScalarType) throws {
    var random = SplitMix64(seed: 3)
    let values = (0..<11 * 256).map { _ in Float(random.uniform() - 0.5) }
    let (elements, size) = type.unit
    let whole = try Self.blocks(values, type).bytes
    for block in 0..<values.count / elements {
      let one = try Self.blocks(Array(values[block * elements..<(block + 1) * elements]), type)
      #expect(one.bytes == Array(whole[block * size..<(block + 1) * size]))
    }
  }

  @Test(arguments: types)
  func lossIsThatOfTheValuesReadBack(_ type: ScalarType) throws {
    var random = SplitMix64(seed: 4)
    let values = (0..<512).map { _ in Float(random.uniform() - 0.5) }
    let (bytes, rounding) = try Self.blocks(values, type)
    let read = try BlockValueTests.values(ByteRegion(OwnedBytes(bytes)), 0..<512, type)
    let pairs = zip(values, read)
    #expect(rounding.changed == pairs.count { $0 != $1 } && rounding.isFinite)
    let error = pairs.reduce(0) { $0 + Double(($1.1 - $1.0) * ($1.1 - $1.0)) }
    let power = values.reduce(0) { $0 + Double($1 * $1) }
    let relative = try #require(rounding.sums?.relative)
    #expect(abs(relative - (error / power).squareRoot()) < 1e-6)
  }

  @Test(arguments: types, [Float.infinity, .nan, -.infinity])
  func whatIsNoNumberIsTold(_ type: ScalarType, _ value: Float) throws {
    var values = [Float](repeating: 1, count: 512)
    values[300] = value
    #expect(try !Self.blocks(values, type).rounding.isFinite)
  }

  /// A scale beyond the largest number of F16.
  @Test(arguments: types.filter { $0 != .mxfp4 })
  func whatIsTooLargeIsTold(_ type: ScalarType) throws {
    var values = [Float](repeating: 1, count: 512)
    values[300] = 1e12
    #expect(try !Self.blocks(values, type).rounding.isFinite)
  }
}
