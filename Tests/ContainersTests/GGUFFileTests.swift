import Diagnostics
import GraftTestSupport
import JSON
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Files that are read, and what is written again.
struct GGUFFileTests {
  private func bytes(_ path: FilePath) throws -> [UInt8] {
    try MappedFile.readAll(path, limit: 1 << 30)
  }

  @Test(arguments: [UInt32(2), 3], [0, 16])
  func versionsAndEndings(_ version: UInt32, _ missing: Int) throws {
    var literal = GGUFLiteral()
    literal.version = version
    literal.data.removeLast(missing)
    let file = try literal.read()
    #expect(file.tensors.map(\.name) == ["a"] && file.tensors[0].shape == [4])
    #expect(file.metadata[0].value.text == "x")
  }

  @Test func otherAlignments() throws {
    var literal = GGUFLiteral()
    literal.values.append(
      GGUFLiteral.value("general.alignment", .u32, GGUFLiteral.number(UInt32(8))))
    literal.alignment = 8
    literal.tensors = [
      GGUFLiteral.tensor("a", [3], 0, at: 0), GGUFLiteral.tensor("b", [1], 0, at: 16),
    ]
    literal.data = [UInt8](repeating: 0, count: 24)
    #expect(try literal.read().tensors.map(\.region.count) == [12, 4])
  }

  /// What gguf wrote comes back byte for byte, metadata of every kind among it.
  @Test(arguments: ["qwen35-q8_0", "qwen35moe-bf16", "qwen3next-f16", "blocks"])
  func whatIsReadIsWrittenAgain(_ name: String) throws {
    let path = Fixtures.path("gguf/\(name).gguf")
    let file = try GGUFFile(path)
    let scratch = try TemporaryDirectory()
    let copy = scratch.path.appending("copy.gguf")
    try GGUFWriter.write(
      file.tensors.map(TensorToWrite.init), metadata: file.metadata, to: copy)
    #expect(try bytes(copy) == bytes(path))
  }

  private static let values: [(String, JSONValue)] = [
    ("u8", 255), ("i8", -128), ("u16", 65535), ("i16", -32768), ("u32", 4_294_967_295),
    ("i32", -2_147_483_648), ("u64", 9_007_199_254_740_993), ("i64", -9_007_199_254_740_993),
    ("f32", 1e-06), ("f64", 0.1), ("bool", true), ("string", "é"), ("[i32]", [11, 11, 10, 0]),
    ("[bool]", [true, false]), ("[f32]", [0.25]),
  ]

  @Test(arguments: values)
  func valuesOfEveryType(_ type: String, _ value: JSONValue) throws {
    let stored = try GGUFValue(value, as: type)
    #expect(stored.json == value && stored.typeName == type)
    let header = try GGUFHeader(laying: [], metadata: [("k", stored)])
    let again = try header.bytes.withUnsafeBytes { try GGUFHeader(checking: $0) }
    #expect(again.metadata[0].value == stored)
  }

  private static let misfits: [(String, JSONValue)] = [
    ("u8", 256), ("u32", -1), ("u32", 0.5), ("bool", 1), ("string", 1), ("[u8]", 1), ("i32", "1"),
    ("array", []),
  ]

  @Test(arguments: misfits)
  func valuesThatDoNotFitAreRefused(_ type: String, _ value: JSONValue) {
    #expect(throws: Problem.self) { try GGUFValue(value, as: type) }
  }

  @Test func textsAreKeptApart() throws {
    let value = GGUFValue(["a", "", "é"])
    #expect(value.json == ["count": 3] && value.texts == ["a", "", "é"])
  }

  @Test(arguments: [
    ("a", ScalarType.f8E4M3, [4]), ("a", .q8Zero, [2, 33]), ("a", .f32, [1, 1, 1, 1, 1]),
    (String(repeating: "n", count: 64), .f32, [4]),
  ])
  func whatGGUFCannotHoldIsRefused(_ name: String, _ type: ScalarType, _ shape: [Int]) {
    let problem = #expect(throws: Problem.self) {
      try GGUFHeader(laying: [(name, type, shape)], metadata: [])
    }
    #expect(problem?.kind == .unsupported)
  }
}
