import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What transformers saves under the names that its classes have in memory, and the released form that is
/// made of it.
@Suite struct TransformersFormTests {
  private static let next = "huggingface/qwen3_next/bf16"
  private static let olmo = "huggingface/olmo_hybrid/bf16"

  /// The experts of every layer in two tensors.
  private static func fuseExperts(_ file: inout PlainCheckpointFile) {
    let experts = file.tensors.filter { $0.name.contains(".mlp.experts.") }
    let layers = Set(
      experts.map { String($0.name.prefix { !$0.isNumber } + $0.name.split(separator: ".")[2]) })
    for layer in layers.sorted() {
      let place = layer + ".mlp.experts."
      let count = experts.count { $0.name.hasPrefix(place) } / 3
      func parts(_ name: String) -> [PlainCheckpointFile.Tensor] {
        (0..<count).compactMap { file["\(place)\($0).\(name)_proj.weight"] }
      }
      let (gate, up, down) = (parts("gate"), parts("up"), parts("down"))
      let width = down[0].shape[1]
      let hidden = down[0].shape[0]
      file.tensors.removeAll { $0.name.hasPrefix(place) }
      file.tensors += [
        .init(
          place + "gate_up_proj", gate[0].type, [count, 2 * width, hidden],
          zip(gate, up).flatMap { $0.bytes + $1.bytes }),
        .init(
          place + "down_proj", down[0].type, [count, hidden, width], down.flatMap(\.bytes)),
      ]
    }
  }

  /// The convolutions of queries, keys and values of every layer end to end, in pieces of some rows each.
  private static func joinConvolutions(_ file: inout PlainCheckpointFile, as names: [String]) {
    let queries = file.tensors.filter { $0.name.hasSuffix("q_conv1d.weight") }
    for query in queries {
      let place = query.name.dropLast("q_conv1d.weight".count)
      let parts = ["q", "k", "v"].compactMap { file["\(place)\($0)_conv1d.weight"] }
      let rows = parts.reduce(0) { $0 + $1.shape[0] }
      let bytes = parts.flatMap(\.bytes)
      file.tensors.removeAll { tensor in parts.contains { $0.name == tensor.name } }
      let most = (rows + names.count - 1) / names.count
      for (index, name) in names.enumerated() {
        let range = index * most..<min((index + 1) * most, rows)
        let width = bytes.count / rows
        file.tensors.append(
          .init(
            place + name, query.type, [range.count] + query.shape.dropFirst(),
            Array(bytes[range.lowerBound * width..<range.upperBound * width])))
      }
    }
  }

  private func copy(_ fixture: String) throws -> EditableCheckpoint {
    let copy = try EditableCheckpoint(fixture)
    try copy.editWeights { file in
      if fixture == Self.next {
        Self.fuseExperts(&file)
      } else {
        Self.joinConvolutions(&file, as: ["conv1d.weight"])
      }
    }
    return copy
  }

  private static let marks = [next: "experts.gate_up_proj", olmo: "linear_attn.conv1d.weight"]

  @Test(arguments: [next, olmo])
  func whatIsJoinedIsReadAndReleased(_ fixture: String) throws {
    let copy = try copy(fixture)
    expectSuccess(try copy.graft("inspect"))
    expectSuccess(try copy.graft("verify", "--reference", copy.reference))
    try expectSameTensors(try copy.folder.convert(copy.path, "out"), Fixtures.path(fixture))
    expectSuccess(try GraftCommand.run("diff", copy.path.string, copy.path.string))
  }

  /// A save cuts a joined convolution into equal thirds, whatever queries, keys and values have.
  @Test func thirdsThatEndElsewhereAreJoined() throws {
    let copy = try EditableCheckpoint(Self.olmo)
    try copy.editWeights { file in
      Self.joinConvolutions(&file, as: ["q_conv1d.weight", "k_conv1d.weight", "v_conv1d.weight"])
    }
    expectSuccess(try copy.graft("verify", "--reference", copy.reference))
    try expectSameTensors(try copy.folder.convert(copy.path, "out"), Fixtures.path(Self.olmo))
  }

  @Test(arguments: [next, olmo])
  func oneTensorTooFewIsRefused(_ fixture: String) throws {
    let copy = try copy(fixture)
    let mark = try #require(Self.marks[fixture])
    try copy.editWeights { file in
      file.tensors.removeAll { $0.name.hasPrefix("model.layers.0.") && $0.name.hasSuffix(mark) }
    }
    try copy.expectRefused(65, mark, "missing")
  }

  @Test(arguments: [next, olmo])
  func anotherShapeIsRefused(_ fixture: String) throws {
    let copy = try copy(fixture)
    let mark = try #require(Self.marks[fixture])
    try copy.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.hasSuffix(mark) {
        file.tensors[index].shape = [1] + [file.tensors[index].shape.reduce(1, *)]
      }
    }
    try copy.expectRefused(65, mark, "another shape")
  }

  @Test(arguments: [next, olmo])
  func bothFormsAtOnceAreRefused(_ fixture: String) throws {
    let copy = try copy(fixture)
    let plain = try PlainCheckpointFile(
      Fixtures.path(fixture).appending("model.safetensors"))
    try copy.editWeights { file in
      let names = Set(file.tensors.map(\.name))
      file.tensors += plain.tensors.filter { !names.contains($0.name) }
    }
    try copy.expectRefused(65, "two forms", try #require(Self.marks[fixture]))
  }
}
