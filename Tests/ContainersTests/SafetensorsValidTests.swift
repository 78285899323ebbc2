import Containers
import GraftTestSupport
import Tensors
import Testing

/// Files at the edges of the format that are read.
@Suite struct SafetensorsValidTests {
  private func open(_ header: String, data: Int = 0) throws -> SafetensorsFile {
    try SafetensorsFile(bytes: SafetensorsLiteral.bytes(header, data: data))
  }

  private func entry(_ name: String, _ type: String, _ shape: String, _ offsets: String) -> String {
    SafetensorsLiteral.entry(name, type, shape, offsets)
  }

  @Test(arguments: ["{}", "  {}", "{} \n\t\r ", #"{"__metadata__":{}}"#, #"{"__metadata__":null}"#])
  func noTensors(_ header: String) throws {
    let file = try open(header)
    #expect(file.tensors.isEmpty && file.metadata.isEmpty)
  }

  @Test func whitespacePaddingOnBothSides() throws {
    let file = try open("   {" + entry("t", "U8", "[2]", "[0,2]") + "}  ", data: 2)
    #expect(file.tensors.map(\.name) == ["t"])
  }

  @Test func metadataKeepsItsOrder() throws {
    let file = try open(#"{"__metadata__":{"z":"1","a":"","format":"pt"}}"#)
    #expect(file.metadata.map(\.key) == ["z", "a", "format"])
    #expect(file.metadata.map(\.value) == ["1", "", "pt"])
  }

  @Test func scalarsAndEmptyTensors() throws {
    let file = try open(
      "{" + entry("s", "F32", "[]", "[0,4]") + "," + entry("z", "F32", "[2,0,3]", "[4,4]") + "}",
      data: 4)
    #expect(file.tensors.map(\.shape) == [[], [2, 0, 3]])
    #expect(file.tensors.map(\.byteCount) == [4, 0] && file.tensors.map(\.elementCount) == [1, 0])
  }

  @Test func unalignedDataInAnyKeyOrder() throws {
    let header =
      "{" + entry("late", "F32", "[1]", "[3,7]") + "," + entry("early", "U8", "[3]", "[0,3]") + "}"
    var bytes = SafetensorsLiteral.bytes(header)
    bytes += [1, 2, 3, 4, 5, 6, 7]
    let file = try SafetensorsFile(bytes: bytes)
    #expect(file.tensors.map(\.name) == ["early", "late"])
    #expect(file.tensors.map(\.contents) == [[1, 2, 3], [4, 5, 6, 7]])
    #expect(file.tensors.allSatisfy { $0.file == "t.safetensors" })
  }

  @Test func typesBelowOneByte() throws {
    let file = try open(
      "{" + entry("f", "F4", "[2,8]", "[0,8]") + "," + entry("g", "F6_E3M2", "[4]", "[8,11]") + "}",
      data: 11)
    #expect(file.tensors.map(\.byteCount) == [8, 3])
    #expect(file.tensors.map(\.type) == [.f4, .f6E3M2])
  }

  @Test func everyTypeByItsName() throws {
    for type in ScalarType.plain {
      let bytes = type.bitWidth * 4 / 8
      let file = try open("{" + entry("t", type.rawValue, "[4]", "[0,\(bytes)]") + "}", data: bytes)
      #expect(file.tensors.first?.type == type)
    }
  }

  @Test func namesAreUnescaped() throws {
    let file = try open(
      "{" + entry(#"a\"\u00e9\/\ud83d\ude00"#, "U8", "[1]", "[0,1]") + "}", data: 1)
    #expect(file.tensors.first?.name == "a\"é/😀")
  }

  /// Whatever is changed in a file, reading ends with tensors inside it or a problem.
  @Test(arguments: 0..<40) func neverTraps(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let header =
      #"{"__metadata__":{"format":"pt"},"# + entry("a", "F32", "[2,2]", "[0,16]") + ","
      + entry("b", "F4", "[3,2]", "[16,19]") + "}"
    let valid = SafetensorsLiteral.bytes(header, data: 19)
    for _ in 0..<300 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(bytes[Int.random(in: bytes.indices, using: &random)], at: place)
        default: bytes[place] = bytes[Int.random(in: bytes.indices, using: &random)]
        }
      }
      guard let file = try? SafetensorsFile(bytes: bytes) else { continue }
      #expect(file.tensors.reduce(0) { $0 + $1.contents.count } <= bytes.count)
    }
  }
}
