import Foundation
import GraftTestSupport
import JSON
import Testing

/// Shards and index that contradict each other.
@Suite struct BadIndexTests {
  private let checkpoint: EditableCheckpoint
  private static let index = "model.safetensors.index.json"
  private static let last = "model-00008-of-00008.safetensors"

  init() throws { checkpoint = try EditableCheckpoint("options/bf16-sharded") }

  private func editIndex(_ body: (inout JSONValue) -> Void) throws {
    var index = try JSONValue(parsing: checkpoint.bytes(Self.index))
    body(&index)
    try checkpoint.write(Self.index, index.text().utf8)
  }

  private func edit(_ body: (inout JSONObject) -> Void) throws {
    try editIndex { index in
      var map = index["weight_map"]?.object ?? [:]
      body(&map)
      index["weight_map"] = .object(map)
    }
  }

  @Test(arguments: [
    "../model-00008-of-00008.safetensors", "/etc/passwd", "sub/model.safetensors", "..", ".", "",
    "..\\model.safetensors", "a\u{0}b",
  ])
  func aFileOutsideTheDirectory(_ name: String) throws {
    try edit { $0["transformer.ln_f.weight"] = .string(name) }
    try checkpoint.expectRefused(65, Self.index, "transformer.ln_f.weight")
  }

  @Test func aFileOutsideTheDirectoryIsNotEvenLookedAt() throws {
    let outside = try checkpoint.folder.write("outside.safetensors", [1, 2, 3])
    try edit { $0["transformer.ln_f.weight"] = .string("../outside.safetensors") }
    try checkpoint.expectRefused(65, "leave the directory", "../outside.safetensors")
    #expect(try Fixtures.contents(outside) == [1, 2, 3])
  }

  @Test func aMissingShard() throws {
    try checkpoint.remove(Self.last)
    try checkpoint.expectRefused(66, Self.last, "not there")
  }

  @Test func anExtraShard() throws {
    let name = "model-00009-of-00009.safetensors"
    try checkpoint.write(name, PlainCheckpointFile([.init("x", [1], [1])]).bytes)
    try checkpoint.expectRefused(65, name, "does not name")
  }

  @Test func anExtraTensorInAShard() throws {
    try checkpoint.editWeights(Self.last) { $0["extra"] = .init("extra", [1], [1]) }
    try checkpoint.expectRefused(65, Self.last, "extra", "not in the index")
  }

  @Test func aTensorInAnotherShard() throws {
    try edit { $0["transformer.ln_f.weight"] = "model-00001-of-00008.safetensors" }
    try checkpoint.expectRefused(
      65, "transformer.ln_f.weight", "model-00001-of-00008.safetensors", Self.last)
  }

  @Test func aTensorInNoShard() throws {
    try checkpoint.editWeights(Self.last) { $0["transformer.ln_f.weight"] = nil }
    try checkpoint.expectRefused(65, "transformer.ln_f.weight", Self.last)
  }

  @Test func aTensorThatIsNotListed() throws {
    try edit { $0["transformer.ln_f.weight"] = nil }
    try checkpoint.expectRefused(65, "transformer.ln_f.weight", "not in the index")
  }

  @Test func aTensorInTwoShards() throws {
    try checkpoint.editWeights("model-00001-of-00008.safetensors") { file in
      file["transformer.ln_f.weight"] = .init("transformer.ln_f.weight", [1], [1])
    }
    try checkpoint.expectRefused(65, "transformer.ln_f.weight", "model-00001-of-00008.safetensors")
  }

  @Test(arguments: [
    JSONValue.integer(122_345), 0, -1, "122344", 1.5, .unsigned(.max), [], true,
  ])
  func aWrongTotalSize(_ size: JSONValue) throws {
    try editIndex { index in
      var metadata = index["metadata"] ?? .null
      metadata["total_size"] = size
      index["metadata"] = metadata
    }
    try checkpoint.expectRefused(65, Self.index, "total_size")
  }

  @Test func aTruncatedShard() throws {
    let bytes = try checkpoint.bytes(Self.last)
    try checkpoint.write(Self.last, bytes.dropLast(10))
    try checkpoint.expectRefused(
      65, Self.last, "truncated", "\(bytes.count) bytes", "\(bytes.count - 10) bytes")
  }

  @Test(arguments: [
    "", "{", "[]", "null", #"{"weight_map": []}"#, #"{"weight_map": {"a": 1}}"#, "{}",
    #"{"weight_map": {"a": "b", "a": "c"}}"#, #"{"weight_map": {}, "weight_map": {}}"#,
    #"{"weight_map": {}} x"#, "\u{feff}{}",
  ])
  func anIndexThatIsNone(_ text: String) throws {
    try checkpoint.write(Self.index, text.utf8)
    try checkpoint.expectRefused(65, Self.index)
  }

  @Test func anEmptyIndexWithItsShardsLeftOver() throws {
    try checkpoint.write(Self.index, #"{"weight_map": {}}"#.utf8)
    #expect(try checkpoint.graft("inspect").exitCode == 65)
  }

  @Test func anIndexThatNamesADirectory() throws {
    try checkpoint.remove(Self.last)
    try FileManager.default.createDirectory(
      atPath: checkpoint.path.appending(Self.last).string, withIntermediateDirectories: false)
    let result = try checkpoint.graft("inspect")
    #expect([65, 66].contains(result.exitCode), "\(result)")
    #expect(result.errors.contains(Self.last), "\(result)")
  }

  @Test func shardsWithoutAnIndexMustBeComplete() throws {
    try checkpoint.remove(Self.index)
    expectSuccess(try checkpoint.graft("verify", "--reference", checkpoint.reference))
    try checkpoint.remove("model-00003-of-00008.safetensors")
    try checkpoint.expectRefused(66, "no model-00003-of-00008.safetensors")
  }
}
