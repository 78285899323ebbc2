import GraftTestSupport
import Testing

/// Weight files that are refused, through the command line: one message with file, tensor, expected
/// and found; `SafetensorsInvalidTests` has the details of each.
@Suite struct BadWeightTests {
  /// What a file is replaced with.
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let header: String
    var data = 0
    var length: UInt64?
    let mentions: [String]
    var testDescription: String { name }

    init(
      _ name: String, _ header: String, data: Int = 0, length: UInt64? = nil, _ mentions: String...
    ) {
      (self.name, self.header, self.data) = (name, header, data)
      (self.length, self.mentions) = (length, mentions)
    }

    var bytes: [UInt8] {
      let count = length ?? UInt64(header.utf8.count)
      return withUnsafeBytes(of: count.littleEndian) { Array($0) } + Array(header.utf8)
        + [UInt8](repeating: 0, count: data)
    }
  }

  private static func entry(_ name: String, _ type: String, _ shape: String, _ range: String)
    -> String
  {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(range)}"#
  }

  private static func one(_ type: String, _ shape: String, _ range: String) -> String {
    "{" + entry("t", type, shape, range) + "}"
  }

  // The tests of the reference reader and its attacks.
  static let ofTheReference: [Case] = [
    Case(
      "json attack",
      "{" + (0..<10).map { entry("t\($0)", "I32", "[2,2]", "[0,16]") }.joined(separator: ",") + "}",
      data: 16, "t1", "data from 16", "data from 0 to 16"),
    Case("incomplete buffer", one("I32", "[2,2]", "[0,16]"), data: 14, "bytes"),
    Case("trailing bytes", one("I32", "[2,2]", "[0,16]"), data: 20, "after the last tensor"),
    Case("header too large", "{}", length: 100_000_001, "100000000", "100000001"),
    Case("length of all ones", "{}", length: .max, "18446744073709551615"),
    Case("length with the sign bit", "{}", length: 1 << 63, "9223372036854775808"),
    Case("length beyond the file", "{}", length: 60, "68 bytes", "10 bytes"),
    Case("not JSON", "{", "end of the text"),
    Case("wrong info", one("I32", "[2,2]", "[0,4]"), data: 4, "tensor    t", "16 bytes", "4 bytes"),
    Case("shape overflow", one("I32", "[2,18446744073709551614]", "[0,16]"), data: 16, "overflow"),
    Case("product overflow", one("I32", "[4294967296,4294967296]", "[0,16]"), data: 16, "overflow"),
    Case("bits overflow", one("F32", "[2305843009213693952]", "[0,16]"), data: 16, "overflow"),
    Case("odd F4", one("F4", "[1,3]", "[0,2]"), data: 2, "whole bytes", "F4"),
    Case("wrong F4", one("F4", "[2]", "[0,2]"), data: 2, "1 bytes", "2 bytes"),
    Case(
      "a hundred thousand entries on one range",
      "{" + (0..<100_000).map { entry("\($0)", "F32", "[2]", "[0,8]") }.joined(separator: ",")
        + "}", data: 8, "data from 8"),
  ]

  // What the reference reader accepts and can be read in two ways, and what it refuses beyond tests.
  static let beyondTheReference: [Case] = [
    Case(
      "duplicate tensor",
      "{" + entry("t", "U8", "[2]", "[0,2]") + "," + entry("t", "I8", "[2]", "[0,2]") + "}",
      data: 2, "occurs twice"),
    Case(
      "duplicate tensor in another spelling",
      "{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry(#"\u0061"#, "U8", "[2]", "[0,2]") + "}",
      data: 2, "occurs twice"),
    Case("duplicate metadata", #"{"__metadata__":{"a":"1","a":"2"}}"#, "occurs twice"),
    Case("metadata text", #"{"__metadata__":"a"}"#, "object"),
    Case("metadata number", #"{"__metadata__":{"a":1}}"#, "string"),
    Case(
      "unknown field", #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, data: 1,
      "unknown field"),
    Case("entry as array", #"{"t":["U8",[1],[0,1]]}"#, data: 1, "object"),
    Case("empty name", "{" + entry("", "U8", "[1]", "[0,1]") + "}", data: 1, "name"),
    Case("huge empty shape", one("U8", "[0,18446744073709551615,2]", "[0,0]"), "overflow"),
    Case("float extent", one("U8", "[1.0]", "[0,1]"), data: 1, "tensor    t"),
    Case("negative extent", one("U8", "[-1]", "[0,1]"), data: 1, "tensor    t"),
    Case("exponent", one("U8", "[1e1]", "[0,10]"), data: 10, "tensor    t"),
    Case("three offsets", one("U8", "[1]", "[0,1,2]"), data: 1, "3 numbers"),
    Case("hole at the start", one("U8", "[2]", "[1,3]"), data: 3, "data from 0", "from 1 to 3"),
    Case(
      "hole in the middle",
      "{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", "[3,5]") + "}",
      data: 5, "tensor    b", "data from 2"),
    Case("reversed", one("U8", "[2]", "[2,0]"), data: 2, "from 2 to 0"),
    Case("unknown type", one("Q4_0", "[1]", "[0,1]"), data: 1, "Q4_0"),
    Case("lower case type", one("f32", "[1]", "[0,4]"), data: 4, "f32"),
    Case("NUL padding", "{}\0\0", "0x00"),
    Case("array", "[]", "'['"),
    Case("text after the header", "{} x", "'x'"),
    Case("lone surrogate", #"{"\ud800":{}}"#, "surrogate"),
    Case("byte order mark", "\u{feff}{}", "byte order mark"),
    Case("above 64 bits", one("U8", "[18446744073709551616]", "[0,1]"), data: 1, "out of range"),
    Case("deep nesting", #"{"t":"# + String(repeating: "[", count: 100_000), "'['"),
  ]

  @Test(arguments: ofTheReference + beyondTheReference)
  func refuses(_ sample: Case) throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.write("model.safetensors", sample.bytes)
    let file = checkpoint.path.appending("model.safetensors").string
    let before = checkpoint.neighbours
    let result = try checkpoint.graft("convert", checkpoint.beside("out").string)
    expectRefusal(result, 65, [file] + sample.mentions)
    #expect(checkpoint.neighbours == before)
  }

  @Test(arguments: [0, 1, 7, 8, 9, 100, 2000, 90_000, -1])
  func truncatedFiles(_ count: Int) throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let whole = try checkpoint.bytes("model.safetensors")
    let kept = count < 0 ? whole.count + count : count
    try checkpoint.write("model.safetensors", whole[..<kept])
    try checkpoint.expectRefused(65, "model.safetensors", "\(kept) bytes")
  }

  @Test func theTensorsOfAnotherModel() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.write("model.safetensors", Fixtures.bytes("options/rope/model.safetensors"))
    try checkpoint.expectRefused(
      65, "transformer.h.{0…1}.sequence_mixer.qkv_proj.weight", "missing",
      "transformer.h.{0…1}.sequence_mixer.c_attn.weight", "no place")
  }

  @Test func aFileWithoutTensors() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.write("model.safetensors", PlainCheckpointFile([]).bytes)
    #expect(try checkpoint.graft("inspect").exitCode != 0)
  }

  @Test func missingExtraAndMisshapenTensorsAreNamedTogether() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.editWeights { file in
      file["transformer.h.1.ln_2.weight"] = nil
      file["transformer.h.1.ln_3.weight"] = .init("transformer.h.1.ln_3.weight", [2], [1, 2])
      file["transformer.h.2.ln_1.weight"] = .init("transformer.h.2.ln_1.weight", [2], [1, 2])
      file["transformer.ln_f.weight"]?.shape = [4, 8]
    }
    try checkpoint.expectRefused(
      65, "transformer.h.1.ln_2.weight", "transformer.h.1.ln_3.weight",
      "transformer.h.2.ln_1.weight", "transformer.ln_f.weight", "[32]", "[4, 8]",
      checkpoint.path.string)
  }

  @Test func typesThatCannotBeComputedAreOnlyMoved() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.editWeights { file in
      let name = "transformer.h.1.mlp_block.c_proj.weight"
      let count = file[name]?.shape.reduce(1, *) ?? 0
      file[name]?.type = "F64"
      file[name]?.bytes = (0..<8 * count).map { UInt8($0 % 251) }
    }
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("inspect"))
    expectSuccess(try checkpoint.graft("convert", out.string))
    let name = "transformer.h.1.mlp_block.c_proj.weight"
    #expect(
      try EditableCheckpoint.tensors(of: out)[name]
        == EditableCheckpoint.tensors(of: checkpoint.path)[name])
    expectRefusal(
      try checkpoint.graft("verify", "--reference", checkpoint.reference), 69, [name, "F64"])
  }
}
