import Containers
import Diagnostics
import Testing

/// Files that are refused: the tests of the reference reader, what it refuses beyond them, and what
/// it lets through although it can be read in two ways.
@Suite struct SafetensorsInvalidTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let what: String
    var tensor: String?
    var expected: String?
    var found: String?
    var testDescription: String { name }

    init(
      _ name: String, _ bytes: [UInt8], _ what: String, _ tensor: String? = nil,
      _ expected: String? = nil, _ found: String? = nil
    ) {
      (self.name, self.bytes, self.what) = (name, bytes, what)
      (self.tensor, self.expected, self.found) = (tensor, expected, found)
    }

    init(
      _ name: String, _ header: String, data: Int = 0, _ what: String, _ tensor: String? = nil,
      _ expected: String? = nil, _ found: String? = nil
    ) {
      let bytes = SafetensorsLiteral.bytes(header, data: data)
      self.init(name, bytes, what, tensor, expected, found)
    }
  }

  @Test(arguments: frames + layouts + sizes + ambiguities + entries + texts)
  func refuses(_ sample: Case) throws {
    let problem = try #require(throws: Problem.self) { try SafetensorsFile(bytes: sample.bytes) }
    #expect(problem.kind == .invalid)
    #expect(problem.file == "t.safetensors")
    #expect(problem.what.contains(sample.what))
    #expect(problem.tensor == sample.tensor)
    if let expected = sample.expected { #expect(problem.expected == expected) }
    if let found = sample.found { #expect(problem.found == found) }
  }

  private static func entry(_ name: String, _ type: String, _ shape: String, _ offsets: String)
    -> String
  {
    SafetensorsLiteral.entry(name, type, shape, offsets)
  }

  private static let one = "{" + entry("t", "I32", "[2,2]", "[0,16]") + "}"
  private static let bytes = SafetensorsLiteral.bytes

  // test_header_too_small, test_header_too_large, test_invalid_header_length,
  // test_metadata_incomplete_buffer and the attack with a lying length.
  static let frames: [Case] = [
    Case("nothing", [], "too short", nil, "at least 8 bytes", "0 bytes"),
    Case("seven bytes", [1, 0, 0, 0, 0, 0, 0], "too short", nil, "at least 8 bytes", "7 bytes"),
    Case(
      "header too large", bytes(one, 16, 100_000_001), "the header is too large", nil,
      "at most 100000000 bytes", "100000001 bytes"),
    Case(
      "length of all ones", bytes(one, 16, .max), "the header is too large", nil,
      "at most 100000000 bytes", "18446744073709551615 bytes"),
    Case(
      "header beyond the end", [60, 0, 0, 0, 0, 0, 0, 0], "the file ends inside its header", nil,
      "68 bytes or more", "8 bytes"),
    Case(
      "two bytes short", one, data: 14, "the file is truncated", nil, "81 bytes", "79 bytes"),
    Case(
      "trailing bytes", one, data: 20, "bytes after the last tensor", nil, "81 bytes", "85 bytes"),
    Case("trailing byte without tensors", "{}", data: 1, "bytes after the last tensor"),
    Case("no header", "", "unexpected end of the text"),
  ]

  // test_json_attack, abuse attempts 2 and 3, and the offsets of the second list.
  static let layouts: [Case] = [
    Case(
      "ten tensors on one range",
      "{" + (0..<10).map { entry("t\($0)", "I32", "[2,2]", "[0,16]") }.joined(separator: ",") + "}",
      data: 16, "without hole or overlap", "t1", "data from 16", "data from 0 to 16"),
    Case(
      "hole at the start", "{" + entry("t", "U8", "[2]", "[1,3]") + "}", data: 3,
      "without hole or overlap", "t", "data from 0", "data from 1 to 3"),
    Case(
      "hole in the middle",
      "{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", "[3,5]") + "}",
      data: 5, "without hole or overlap", "b", "data from 2", "data from 3 to 5"),
    Case(
      "overlap",
      "{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", "[1,3]") + "}",
      data: 3, "without hole or overlap", "b", "data from 2", "data from 1 to 3"),
    Case(
      "reversed offsets", "{" + entry("t", "U8", "[2]", "[2,0]") + "}", data: 2,
      "without hole or overlap", "t", "data from 0", "data from 2 to 0"),
    Case(
      "zero size inside another",
      "{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("z", "U8", "[0]", "[2,2]") + "}",
      data: 4, "without hole or overlap", "z", "data from 4", "data from 2 to 2"),
    Case(
      "offset near 2^64",
      "{" + entry("a", "U8", "[2]", "[0,18446744073709551615]") + "}", data: 2,
      "shape and type do not fit the data", "a", "2 bytes for [2] of U8",
      "18446744073709551615 bytes"),
  ]

  // test_invalid_info, test_validation_overflow, test_serialization_fp4_misaligned and _invalid.
  static let sizes: [Case] = [
    Case(
      "too few bytes", "{" + entry("t", "I32", "[2,2]", "[0,4]") + "}", data: 4,
      "shape and type do not fit the data", "t", "16 bytes for [2, 2] of I32", "4 bytes"),
    Case(
      "extents overflow", "{" + entry("t", "I32", "[2,18446744073709551614]", "[0,16]") + "}",
      data: 16, "the shape overflows", "t", "extents that fit 63 bits", "18446744073709551614"),
    Case(
      "product overflows", "{" + entry("t", "I32", "[4294967296,4294967296]", "[0,16]") + "}",
      data: 16, "the shape overflows", "t", "a size that fits 63 bits",
      "[4294967296, 4294967296] of I32"),
    Case(
      "bits overflow", "{" + entry("t", "I32", "[2305843009213693952]", "[0,16]") + "}", data: 16,
      "the shape overflows", "t"),
    Case(
      "overflow before a zero",
      "{" + entry("t", "U8", "[4294967296,4294967296,0]", "[0,0]") + "}",
      "the shape overflows", "t"),
    Case(
      "overflow after a zero", "{" + entry("t", "U8", "[0,4294967296,4294967296]", "[0,0]") + "}",
      "the shape overflows", "t"),
    Case(
      "largest extents after a zero",
      "{" + entry("t", "U8", "[0,18446744073709551615,18446744073709551615]", "[0,0]") + "}",
      "the shape overflows", "t"),
    Case(
      "odd number of F4", "{" + entry("t", "F4", "[1,3]", "[0,2]") + "}", data: 2,
      "the tensor ends inside a byte", "t", "whole bytes", "[1, 3] of F4"),
    Case(
      "two F6", "{" + entry("t", "F6_E2M3", "[2]", "[0,2]") + "}", data: 2,
      "the tensor ends inside a byte", "t", "whole bytes", "[2] of F6_E2M3"),
    Case(
      "F4 as large as bytes", "{" + entry("t", "F4", "[2]", "[0,2]") + "}", data: 2,
      "shape and type do not fit the data", "t", "1 bytes for [2] of F4", "2 bytes"),
  ]

  // Let through by the reference reader.
  static let ambiguities: [Case] = [
    Case(
      "duplicate tensor on one range",
      "{" + entry("t", "U8", "[2]", "[0,2]") + "," + entry("t", "I8", "[2]", "[0,2]") + "}",
      data: 2, #"the key "t" occurs twice"#),
    Case(
      "duplicate tensor spelled otherwise",
      "{" + entry("t", "U8", "[2]", "[0,2]") + "," + entry(#"\u0074"#, "U8", "[2]", "[0,2]") + "}",
      data: 2, #"the key "t" occurs twice"#),
    Case(
      "duplicate metadata key", #"{"__metadata__":{"a":"1","a":"1"}}"#, #"the key "a" occurs twice"#
    ),
    Case("metadata text", #"{"__metadata__":"n"}"#, "unexpected '\"'", nil, "an object", "'\"'"),
    Case(
      "unknown field", #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, data: 1,
      "an unknown field", "t", "dtype, shape and data_offsets, each once", "\"x\""),
    Case(
      "entry as array", #"{"t":["U8",[1],[0,1]]}"#, data: 1, "unexpected '['", "t", "an object",
      "'['"),
    Case("empty name", "{" + entry("", "U8", "[1]", "[0,1]") + "}", data: 1, "without a name", ""),
    Case(
      "line end in a name", "{" + entry(#"a\nb"#, "U8", "[1]", "[0,1]") + "}", data: 1,
      "a tensor name with a control character", "a\nb", "no NUL and no line end", "a line end"),
    Case(
      "NUL in a name", "{" + entry(#"a\u0000b"#, "U8", "[1]", "[0,1]") + "}", data: 1,
      "U+0000 in a key"),
  ]

  // Refused by the reference reader beyond its tests.
  static let entries: [Case] = [
    Case(
      "duplicate tensor on two ranges",
      "{" + entry("t", "U8", "[2]", "[0,2]") + "," + entry("t", "U8", "[2]", "[2,4]") + "}",
      data: 4, "occurs twice"),
    Case(
      "second metadata", #"{"__metadata__":{},"__metadata__":{}}"#,
      #"the key "__metadata__" occurs twice"#),
    Case("metadata number", #"{"__metadata__":{"a":1}}"#, "unexpected '1'", nil, "a string", "'1'"),
    Case(
      "duplicate field", #"{"t":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
      data: 1, "a field occurs twice", "t", "dtype, shape and data_offsets, each once",
      "\"dtype\""),
    Case(
      "missing field", #"{"t":{"dtype":"U8","shape":[1]}}"#, data: 1, "a field is missing", "t",
      "dtype, shape and data_offsets", "dtype and shape"),
    Case("float extent", "{" + entry("t", "U8", "[1.0]", "[0,1]") + "}", data: 1, "'.'", "t"),
    Case("negative extent", "{" + entry("t", "U8", "[-1]", "[0,1]") + "}", data: 1, "'-'", "t"),
    Case("exponent extent", "{" + entry("t", "U8", "[1e1]", "[0,10]") + "}", data: 10, "'e'", "t"),
    Case(
      "extent above 64 bits", "{" + entry("t", "U8", "[18446744073709551616]", "[0,1]") + "}",
      data: 1, "a number out of range", "t"),
    Case(
      "three offsets", "{" + entry("t", "U8", "[1]", "[0,1,2]") + "}", data: 1,
      "data_offsets must be a pair", "t", "2 numbers", "3 numbers"),
    Case(
      "one offset", "{" + entry("t", "U8", "[1]", "[1]") + "}", data: 1,
      "data_offsets must be a pair", "t", "2 numbers", "1 numbers"),
    Case(
      "unknown type", "{" + entry("t", "Q8", "[1]", "[0,1]") + "}", data: 1, "an unknown type", "t",
      nil, "\"Q8\""),
    Case(
      "type in lower case", "{" + entry("t", "u8", "[1]", "[0,1]") + "}", data: 1,
      "an unknown type", "t", nil, "\"u8\""),
  ]

  // test_invalid_header_non_utf8, test_invalid_header_not_json and more texts that are not JSON.
  static let texts: [Case] = [
    Case("not UTF-8", [1, 0, 0, 0, 0, 0, 0, 0, 0xff], "unexpected byte 0xFF"),
    Case("name not UTF-8", bytes("{\"", 0, 4) + [0xff, 0x22], "not UTF-8"),
    Case("not JSON", "{", "unexpected end of the text"),
    Case("array", "[]", "unexpected '['", nil, "an object", "'['"),
    Case("NUL padding", "{}\0\0", "unexpected byte 0x00", nil, "the end of the text"),
    Case("bytes after the JSON", "{} x", "unexpected 'x'", nil, "the end of the text", "'x'"),
    Case("byte order mark", "\u{feff}{}", "a byte order mark"),
    Case("lone surrogate", #"{"\ud800":{}}"#, "a lone surrogate"),
    Case("single quotes", "{'t':{}}", "unexpected '''"),
    Case("trailing comma", "{" + entry("t", "U8", "[1]", "[0,1]") + ",}", data: 1, "a comma"),
  ]
}
