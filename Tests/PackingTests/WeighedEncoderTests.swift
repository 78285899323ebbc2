import Containers
import Foundation
import GraftTestSupport
import Packing
import SystemPackage
import Tensors
import Testing

/// Blocks of rows whose errors are weighed by importances are those of ggml, byte for byte.
struct WeighedEncoderTests {
  static let types: [ScalarType] = BlockEncoderTests.types.filter { StoredValues.weighs($0) }

  /// The file of the repository, and one that `GRAFT_WEIGHED_CASES` names.
  private static let files: [FilePath] =
    [Fixtures.path("gguf/weighed.safetensors")]
    + [ProcessInfo.processInfo.environment["GRAFT_WEIGHED_CASES"]].compactMap { $0 }
    .map { FilePath($0) }

  @Test func typesWithScalesThatAreSearchedWeigh() {
    #expect(Set(BlockEncoderTests.types).subtracting(Self.types) == [.q8Zero, .mxfp4])
  }

  @Test(arguments: types, files)
  func blocksAreThoseOfGGML(_ type: ScalarType, _ path: FilePath) throws {
    let file = try SafetensorsFile(path)
    func tensor(_ name: String) throws -> StoredTensor {
      try #require(file.tensors.first { $0.name == name })
    }
    let stored = try tensor("values")
    let (rows, columns) = (stored.shape[0], stored.shape[1])
    let values = try BlockValueTests.values(stored.region, 0..<stored.elementCount, .f32)
    let weights = try BlockValueTests.values(
      tensor("importances").region, 0..<stored.elementCount, .f32)
    let importances = try #require(Importances(weights, shape: [rows, 1, columns]))
    let wanted = try tensor(type.rawValue).region.withBytes { Array($0) }
    let found = OwnedBytes(count: wanted.count)
    let place = try #require(found.mutableBytes.baseAddress)
    _ = StoredValues.store(rows: 0..<rows, of: values, by: importances, to: place, type)
    let wrong = wanted.indices.filter { found.bytes[$0] != wanted[$0] }
    let places = Set(wrong.map { $0 * rows / wanted.count }).sorted()
    #expect(wrong.isEmpty, "rows \(places.prefix(9)), bytes \(wrong.prefix(9))")
  }

  @Test func importancesAreForEachColumnOfEachMatrix() {
    #expect(Importances([1, 2, 3, 4], shape: [2, 5, 2]) != nil)
    #expect(Importances([1, 2, 3, 4], shape: [5, 4]) != nil)
    #expect(Importances([1, 2, 3, 4], shape: [5, 2]) == nil)
    #expect(Importances([1, 2, 3, 4], shape: [4]) == nil)
  }
}
