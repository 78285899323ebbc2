import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@Suite struct SafetensorsWriterTests {
  private func tensor(_ name: String, _ type: ScalarType, _ shape: [Int], _ bytes: [UInt8])
    -> TensorToWrite
  {
    TensorToWrite(name: name, type: type, shape: shape) { try $0.write(bytes) }
  }

  private func written(
    _ tensors: [TensorToWrite],
    metadata: [(key: String, value: String)] = SafetensorsHeader.torchMetadata
  ) throws -> [UInt8] {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("t.safetensors")
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    return try MappedFile.readAll(path, limit: 1 << 24)
  }

  // Written by safetensors 0.8.0: save({...}, metadata={"format": "pt"}).
  private static let golden =
    #"{"__metadata__":{"format":"pt"},"z.scalar":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"#
    + #""a.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"#
    + #""b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[12,36]},"#
    + #""a.weight":{"dtype":"BF16","shape":[2],"data_offsets":[36,40]},"#
    + #""empty":{"dtype":"F16","shape":[0,4],"data_offsets":[40,40]},"#
    + #""q\"\\/\té\u001f"# + "\u{7f}" + #"":{"dtype":"U8","shape":[3],"data_offsets":[40,43]},"#
    + #""flag":{"dtype":"BOOL","shape":[3],"data_offsets":[43,46]}}     "#

  @Test func isByteForByteTheReferenceWriter() throws {
    let floats: [Float] = [0, 1, 2, 3, 4, 5]
    let bytes = try written([
      tensor("b.weight", .f32, [2, 3], floats.withUnsafeBytes { Array($0) }),
      tensor("a.weight", .bf16, [2], [0xc0, 0x3f, 0x00, 0xc0]),
      tensor("z.scalar", .i64, [], [7, 0, 0, 0, 0, 0, 0, 0]), tensor("empty", .f16, [0, 4], []),
      tensor("flag", .bool, [3], [1, 0, 1]), tensor("q\"\\/\té\u{1f}\u{7f}", .u8, [3], [1, 2, 3]),
      tensor("a.bias", .f32, [1], [0, 0, 0, 0x3f]),
    ])
    let data: [UInt8] =
      [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3f] + floats.withUnsafeBytes { Array($0) }
      + [0xc0, 0x3f, 0x00, 0xc0, 1, 2, 3, 1, 0, 1]
    #expect(bytes == SafetensorsLiteral.bytes(Self.golden) + data)
  }

  // The order of safetensors 0.8.0 for one tensor of every type.
  @Test func laysTypesOutInTheReferenceOrder() throws {
    let tensors = ScalarType.plain.shuffled().map { (name: $0.rawValue, type: $0, shape: [16]) }
    let names = try SafetensorsHeader(laying: tensors).entries.map(\.name)
    #expect(
      names.joined(separator: " ")
        == "U64 I64 F64 C64 F32 U32 I32 BF16 F16 U16 I16 F8_E5M2FNUZ F8_E4M3FNUZ F8_E8M0 F8_E4M3"
        + " F8_E5M2 I8 U8 F6_E3M2 F6_E2M3 F4 BOOL")
  }

  @Test func nothingToWrite() throws {
    #expect(try written([], metadata: []) == SafetensorsLiteral.bytes("{}      "))
  }

  @Test func tensorsAreAlignedToTheirType() throws {
    let header = try SafetensorsHeader(
      laying: [("a", .u8, [3]), ("é", .f64, [1]), ("c", .f16, [5]), ("d", .f32, [1])])
    #expect(try header.bytes().count % 8 == 0)
    for entry in header.entries {
      #expect(entry.range.lowerBound % ((entry.type.byteWidth ?? 1)) == 0)
    }
  }

  @Test(arguments: [3, 5]) func refusesAnotherNumberOfBytes(_ count: Int) throws {
    let problem = try #require(throws: Problem.self) {
      try written([tensor("w", .f32, [1], [UInt8](repeating: 0, count: count))])
    }
    #expect(problem.tensor == "w")
    #expect(problem.expected == "4 bytes" && problem.found == "\(count) bytes")
  }

  @Test(arguments: ["", "a\nb", "a\0b", "__metadata__", "twice"])
  func refusesNames(_ name: String) throws {
    let problem = try #require(throws: Problem.self) {
      try SafetensorsHeader(laying: [("twice", .u8, [1]), (name, .u8, [1])])
    }
    #expect(problem.kind == .invalid && problem.tensor == name)
  }

  @Test func metadataIsFreeTextWithoutRepetition() throws {
    let metadata = [(key: "", value: "a\n"), (key: "z", value: "é"), (key: "a", value: "")]
    let bytes = try SafetensorsHeader(laying: [], metadata: metadata).bytes()
    #expect(try SafetensorsFile(bytes: bytes).metadata.map(\.key) == ["", "z", "a"])
    #expect(try SafetensorsFile(bytes: bytes).metadata.map(\.value) == ["a\n", "é", ""])
    let problem = try #require(throws: Problem.self) {
      try SafetensorsHeader(laying: [], metadata: metadata + [(key: "z", value: "")])
    }
    #expect(problem.kind == .invalid && problem.found == "\"z\"")
  }

  @Test(arguments: [[Int.max, 2], [-1], [3]]) func refusesShapes(_ shape: [Int]) throws {
    let problem = try #require(throws: Problem.self) {
      try SafetensorsHeader(laying: [("t", .f4, shape)])
    }
    #expect(problem.tensor == "t" && problem.found == "\(shape) of F4")
  }

  @Test func refusesAHeaderThatNoReaderTakes() throws {
    let header = try SafetensorsHeader(laying: [("t", .u8, [1])])
    let length = try header.bytes().count - 8
    #expect(throws: Never.self) { try header.bytes(limit: length) }
    let problem = try #require(throws: Problem.self) { try header.bytes(limit: length - 1) }
    #expect(problem.kind == .unsupported && problem.expected == "at most \(length - 1) bytes")
    #expect(SafetensorsHeader.limit == 100_000_000)
  }

  /// What is written is read back, and written again gives the same file.
  @Test(arguments: 0..<30) func roundTrip(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let directory = try TemporaryDirectory()
    var contents: [String: [UInt8]] = [:]
    let tensors = (0..<Int.random(in: 0...12, using: &random)).map { index in
      let type = ScalarType.plain.randomElement(using: &random) ?? .f32
      var shape = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        Int.random(in: 0...5, using: &random)
      }
      if type.byteWidth == nil { shape.append(4) }
      let count = TensorShape.byteCount(shape, type) ?? 0
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let name = "t\(index).\u{e9}\"\\"
      contents[name] = bytes
      return tensor(name, type, shape, bytes)
    }
    let path = directory.path.appending("a.safetensors")
    try SafetensorsWriter.write(tensors, to: path)
    let file = try SafetensorsFile(path)
    #expect(file.tensors.count == tensors.count)
    for stored in file.tensors { #expect(stored.contents == contents[stored.name]) }
    #expect(file.metadata.map(\.value) == ["pt"])
    let again = try written(file.tensors.shuffled(using: &random).map(TensorToWrite.init))
    #expect(try again == MappedFile.readAll(path, limit: 1 << 24))
  }
}
