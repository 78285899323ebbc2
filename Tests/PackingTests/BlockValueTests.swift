import Containers
import Diagnostics
import GraftTestSupport
import Packing
import Tensors
import Testing

/// Blocks have the values that ggml gives them, bit for bit.
struct BlockValueTests {
  /// The values of a run of elements.
  static func values(_ region: ByteRegion, _ run: Range<Int>, _ type: ScalarType) throws -> [Float]
  {
    try region.withBytes { bytes in
      [Float](unsafeUninitializedCapacity: run.count) { values, filled in
        if let base = values.baseAddress { StoredValues.load(bytes, run, type, into: base) }
        filled = run.count
      }
    }
  }

  private static let types = ScalarType.allCases.filter { $0.isBlock && $0.isComputable }

  @Test func fixtureHasTheValuesOfItsWriter() throws {
    let file = try GGUFFile(Fixtures.path("gguf/blocks.gguf"))
    let expected = try SafetensorsFile(Fixtures.path("gguf/blocks.safetensors"))
    let names = Set(file.tensors.map(\.type))
    #expect(names == Set(Self.types).subtracting([.q1Zero, .q2Zero]))
    for tensor in file.tensors {
      let reference = try #require(expected.tensors.first { $0.name == tensor.name })
      let run = 0..<tensor.elementCount
      let read = try Self.values(tensor.region, run, tensor.type)
      let wanted = try Self.values(reference.region, run, .f32)
      let wrong = run.first { read[$0].bitPattern != wanted[$0].bitPattern }
      if let wrong { Issue.record("\(tensor.name) \(wrong): \(read[wrong]), not \(wanted[wrong])") }
    }
  }

  /// A scale of a half and two bytes of codes, the other codes zero.
  private func half(_ codes: [UInt8]) -> ByteRegion {
    ByteRegion(OwnedBytes([0, 0x38] + codes + [UInt8](repeating: 0, count: 16 - codes.count)))
  }

  @Test func oneBitIsASign() throws {
    let read = try Self.values(half([0b0000_0101, 0x80]), 0..<128, .q1Zero)
    #expect(read.indices.filter { read[$0] == 0.5 } == [0, 2, 15])
    #expect(read.filter { $0 == -0.5 }.count == 125)
  }

  @Test func twoBitsAreFromOneBelowZeroToTwoAbove() throws {
    let read = try Self.values(half([0b1110_0100]), 0..<64, .q2Zero)
    #expect(read == [-0.5, 0, 0.5, 1] + [Float](repeating: -0.5, count: 60))
  }

  /// Runs that begin and end anywhere have the values of the whole; no bytes trap.
  @Test(arguments: types)
  func runsMayCutBlocks(of type: ScalarType) throws {
    var random = SplitMix64(seed: 11)
    let (elements, size) = type.unit
    let bytes = (0..<64 * size).map { _ in UInt8.random(in: 0...255, using: &random) }
    let region = ByteRegion(OwnedBytes(bytes))
    let whole = try Self.values(region, 0..<64 * elements, type)
    for _ in 0..<200 {
      let ends = (0..<2).map { _ in Int.random(in: 0...64 * elements, using: &random) }.sorted()
      let run = ends[0]..<min(ends[1], ends[0] + 3 * elements)
      let part = try Self.values(region, run, type)
      #expect(part.map(\.bitPattern) == whole[run].map(\.bitPattern), "\(run)")
    }
  }

  @Test(arguments: types)
  func bytesOfOnesDoNotTrap(_ type: ScalarType) throws {
    let (elements, size) = type.unit
    let region = ByteRegion(OwnedBytes([UInt8](repeating: 255, count: size)))
    #expect(try Self.values(region, 0..<elements, type).count == elements)
  }
}
