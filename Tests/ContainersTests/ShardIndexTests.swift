import Containers
import Diagnostics
import Testing

@Suite struct ShardIndexTests {
  private func parse(_ text: String) throws -> ShardIndex {
    try Array(text.utf8).withUnsafeBytes { try ShardIndex(parsing: $0) }
  }

  @Test func readsWithAndWithoutMetadata() throws {
    let full = try parse(
      #"{"metadata":{"total_size":12,"total_parameters":3,"x":[]},"weight_map":{"b":"2","a":"1"}}"#)
    #expect(full.totalSize == 12 && full.totalParameters == 3)
    #expect(
      full.weightMap.map(\.tensor) == ["b", "a"] && full.weightMap.map(\.file) == ["2", "1"])
    let bare = try parse(#"{"weight_map":{}}"#)
    #expect(bare.totalSize == nil && bare.weightMap.isEmpty)
    #expect(try parse(#"{"metadata":{"total_size":12.0},"weight_map":{}}"#).totalSize == 12)
  }

  // As transformers writes it: json.dumps(index, indent=2, sort_keys=True) + "\n".
  @Test func writesLikeTheReference() throws {
    let index = ShardIndex(
      weightMap: [("b", "f-2"), ("a.10", "f-1"), ("a.2", "f-1"), ("B", "f-1")], totalSize: 24,
      totalParameters: 6)
    #expect(
      index.text == """
        {
          "metadata": {
            "total_parameters": 6,
            "total_size": 24
          },
          "weight_map": {
            "B": "f-1",
            "a.10": "f-1",
            "a.2": "f-1",
            "b": "f-2"
          }
        }

        """)
    #expect(try parse(index.text).weightMap.map(\.tensor) == ["B", "a.10", "a.2", "b"])
  }

  @Test(arguments: [
    "../model.safetensors", "/etc/passwd", "a/b.safetensors", "a\\\\b", "..", ".", "",
  ])
  func refusesFilesElsewhere(_ file: String) throws {
    let problem = try #require(throws: Problem.self) {
      try parse(#"{"weight_map":{"t":"\#(file)"}}"#)
    }
    #expect(problem.kind == .invalid && problem.tensor == "t")
    #expect(problem.what == "a file name that may leave the directory")
  }

  @Test(arguments: [
    ("[]", "unexpected '['"), ("{}", "the index names no tensors"),
    (#"{"weight_map":[]}"#, "unexpected '['"), (#"{"weight_map":{"t":1}}"#, "unexpected '1'"),
    (#"{"weight_map":{"t":null}}"#, "unexpected 'n'"),
    (#"{"weight_map":{"t":"a","t":"b"}}"#, #"the key "t" occurs twice"#),
    (#"{"weight_map":{},"weight_map":{}}"#, #"the key "weight_map" occurs twice"#),
    (#"{"weight_map":{"t":"a\n"}}"#, "a file name with a control character"),
    (#"{"weight_map":{"t":"a\u0000"}}"#, "a file name with a control character"),
    (#"{"weight_map":{"":"a"}}"#, "a tensor without a name"),
    (#"{"weight_map":{"a\nb":"a"}}"#, "a tensor name with a control character"),
    (#"{"metadata":{"total_size":"x"},"weight_map":{}}"#, "the metadata of the index is unusable"),
    (#"{"metadata":{"total_size":1.5},"weight_map":{}}"#, "the metadata of the index is unusable"),
    (#"{"weight_map":{}} x"#, "unexpected 'x'"),
  ])
  func refuses(_ text: String, _ what: String) throws {
    let problem = try #require(throws: Problem.self) { try parse(text) }
    #expect(problem.kind == .invalid && problem.what.contains(what))
  }
}
