import Diagnostics
import GraftTestSupport
import JSON
import Testing

@testable import Containers

/// Files that a reader must refuse, each with one fault.
struct GGUFInvalidTests {
  private static let alignment = "general.alignment"

  /// Faults by what is said of them.
  private static let faults: [(what: String, change: @Sendable (inout GGUFLiteral) -> Void)] = [
    ("not a GGUF file", { $0.magic = Array("GGUE".utf8) }),
    ("a big-endian GGUF file", { $0.version = 3 << 24 }),
    ("a version of GGUF that is not read", { $0.version = 1 }),
    ("a version of GGUF that is not read", { $0.version = 4 }),
    ("more metadata than the file has room for", { $0.valueCount = 1 << 62 }),
    ("more tensors than the file has room for", { $0.tensorCount = .max }),
    ("two metadata values of one key", { $0.values.append($0.values[0]) }),
    ("a metadata value without a key", { $0.values = [GGUFLiteral.value("", .u8, [1])] }),
    (
      "a metadata key with a control character",
      { $0.values = [GGUFLiteral.value("a\0b", .u8, [1])] }
    ),
    (
      "an unknown type of metadata",
      { $0.values = [GGUFLiteral.text("k") + GGUFLiteral.number(UInt32(13))] }
    ),
    ("a truth value is neither 0 nor 1", { $0.values = [GGUFLiteral.value("k", .bool, [2])] }),
    (
      "the file ends inside its header",
      { $0.values = [GGUFLiteral.value("k", .string, GGUFLiteral.number(UInt64.max))] }
    ),
    (
      "an array of arrays in the metadata",
      {
        $0.values = [
          GGUFLiteral.value(
            "k", .array, GGUFLiteral.number(UInt32(9)) + GGUFLiteral.number(UInt64(1)))
        ]
      }
    ),
    (
      "more elements than the file has room for",
      {
        $0.values = [
          GGUFLiteral.value(
            "k", .array, GGUFLiteral.number(UInt32(10)) + GGUFLiteral.number(UInt64(1) << 61))
        ]
      }
    ),
    (
      "the alignment is unusable: \(alignment)",
      { $0.values = [GGUFLiteral.value(alignment, .u32, GGUFLiteral.number(UInt32(24)))] }
    ),
    (
      "the alignment is unusable: \(alignment)",
      { $0.values = [GGUFLiteral.value(alignment, .u32, GGUFLiteral.number(UInt32(0)))] }
    ),
    (
      "the alignment is unusable: \(alignment)",
      { $0.values = [GGUFLiteral.value(alignment, .u64, GGUFLiteral.number(UInt64(32)))] }
    ),
    ("a tensor is stored twice", { $0.tensors.append($0.tensors[0]) }),
    ("a tensor without a name", { $0.tensors = [GGUFLiteral.tensor("", [4], 0, at: 0)] }),
    (
      "a tensor name with a control character",
      { $0.tensors = [GGUFLiteral.tensor("a\nb", [4], 0, at: 0)] }
    ),
    ("too many extents", { $0.tensors = [GGUFLiteral.tensor("a", [1, 1, 1, 1, 4], 0, at: 0)] }),
    ("a type that ggml does not have", { $0.tensors = [GGUFLiteral.tensor("a", [4], 4, at: 0)] }),
    (
      "a type that ggml does not have", { $0.tensors = [GGUFLiteral.tensor("a", [4], .max, at: 0)] }
    ),
    ("a row ends inside a block", { $0.tensors = [GGUFLiteral.tensor("a", [16, 2], 8, at: 0)] }),
    ("the shape overflows", { $0.tensors = [GGUFLiteral.tensor("a", [.max], 0, at: 0)] }),
    (
      "the shape overflows",
      { $0.tensors = [GGUFLiteral.tensor("a", [1 << 32, 1 << 32], 0, at: 0)] }
    ),
    (
      "the tensors do not follow each other without hole or overlap",
      { $0.tensors = [GGUFLiteral.tensor("a", [4], 0, at: 32)] }
    ),
    (
      "the tensors do not follow each other without hole or overlap",
      { $0.tensors.append(GGUFLiteral.tensor("b", [4], 0, at: 16)) }
    ),
    ("the file is truncated", { $0.data = [UInt8](repeating: 7, count: 15) }),
    ("bytes after the last tensor", { $0.data = [UInt8](repeating: 7, count: 33) }),
  ]

  @Test(arguments: faults.indices)
  func isRefused(_ index: Int) throws {
    var literal = GGUFLiteral()
    Self.faults[index].change(&literal)
    let problem = try #require(throws: Problem.self) { try literal.read() }
    #expect(problem.what == Self.faults[index].what)
    #expect(problem.file == "literal")
  }

  /// Wherever a file ends, it is refused without a trap.
  @Test func everyTruncationIsRefused() {
    let bytes = GGUFLiteral().bytes
    for count in 0..<bytes.count - 16 {
      #expect(throws: Problem.self, "\(count)") {
        try bytes[..<count].withUnsafeBytes { try GGUFHeader(checking: $0) }
      }
    }
  }

  /// Any changed byte of the header is refused or read, never a trap.
  @Test func everyChangedByteIsHandled() {
    let bytes = GGUFLiteral().bytes
    for index in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << bit
        _ = try? changed.withUnsafeBytes { try GGUFHeader(checking: $0) }
      }
    }
  }

  @Test func sizesThatNoFileHasAreRefused() throws {
    #expect(try GGUFHeader.padded(33, to: 32) == 64 && GGUFHeader.padded(64, to: 32) == 64)
    let problem = try #require(throws: Problem.self) { try GGUFHeader.padded(.max - 3, to: 32) }
    #expect(problem.what == "the tensors do not fit a file")
  }

  @Test func metadataNeedsATypeForEveryKey() throws {
    let config: JSONValue = .object(["x.known": 1, "x.other": 2])
    let problem = try #require(throws: Problem.self) {
      try GGUFConfig.metadata(config, types: ["x.known": "u32"], keeping: [])
    }
    #expect(problem.kind == .unsupported && problem.found == "x.other")
  }
}
