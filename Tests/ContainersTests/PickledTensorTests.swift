import Diagnostics
import Testing

@testable import Containers

/// Forms of tensors that a pickle may take, and those that contradict themselves.
@Suite struct PickledTensorTests {
  private func text(_ text: String) -> [UInt8] {
    [0x58, UInt8(text.utf8.count), 0, 0, 0] + text.utf8
  }

  private func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  private func tuple(_ parts: [UInt8]...) -> [UInt8] { [0x28] + parts.flatMap(\.self) + [0x74] }

  private func number(_ value: UInt8) -> [UInt8] { [0x4b, value] }

  /// A storage of four elements, as a persistent id.
  private func storage(_ type: [UInt8]? = nil, view: [UInt8] = []) -> [UInt8] {
    tuple(
      text("storage"), type ?? global("torch", "FloatStorage"), text("0"), text("cpu"), number(4),
      view) + [0x51]
  }

  /// The arguments that all ways to rebuild a tensor begin with.
  private func arguments(_ storage: [UInt8], _ more: [UInt8] = []) -> [UInt8] {
    tuple(storage, number(0), tuple(number(4)), tuple(number(1)), [0x89], [0x7d], more)
  }

  private func run(_ bytes: [UInt8]) throws -> PickleHeap {
    try (bytes + [0x2e]).withUnsafeBytes { bytes in
      var machine = PickleMachine(ByteReader(bytes))
      _ = try machine.run()
      return machine.heap
    }
  }

  private func rebuilt(_ name: String, _ arguments: [UInt8]) -> [UInt8] {
    global("torch._utils", name) + arguments + [0x52]
  }

  private func typed(_ function: [UInt8], _ type: [UInt8], _ arguments: [UInt8]) -> [UInt8] {
    global("torch._tensor", "_rebuild_from_type_v2") + tuple(function, type, arguments, [0x4e])
      + [0x52]
  }

  @Test func aViewOfAStorageBeginsWhereItSays() throws {
    let view = tuple(text("v"), number(2), number(2))
    let heap = try run(rebuilt("_rebuild_tensor_v2", arguments(storage(view: view))))
    #expect(heap.storages.map(\.start) == [2] && heap.tensors.map(\.offset) == [2])
    let whole = try run(rebuilt("_rebuild_tensor_v2", arguments(storage(view: [0x4e]))))
    #expect(whole.storages.map(\.start) == [0])
  }

  @Test func aTensorOfAClassIsTheTensor() throws {
    let tensor = global("torch", "Tensor")
    for (function, more) in [
      ("_rebuild_tensor_v2", []), ("_rebuild_tensor_v3", global("torch", "float32")),
    ] {
      let heap = try run(
        typed(global("torch._utils", function), tensor, arguments(storage(), more)))
      #expect(heap.tensors.map(\.shape) == [[4]] && heap.tensors.map(\.type) == [.f32])
    }
  }

  @Test func dictionariesAreMadeOfPairs() throws {
    let pairs = [0x5d, 0x28] + tuple(text("a"), number(1)) + tuple(text("b"), number(2)) + [0x65]
    let heap = try run(global("collections", "OrderedDict") + [0x28] + pairs + [0x74, 0x52])
    #expect(heap.dictionaries.last?.compactMap(\.key.text) == ["a", "b"])
  }

  @Test func formsThatContradictThemselvesAreInvalid() throws {
    let bytes = global("torch.storage", "UntypedStorage")
    let version2 = global("torch._utils", "_rebuild_tensor_v2")
    let version3 = global("torch._utils", "_rebuild_tensor_v3")
    let tensor = global("torch", "Tensor")
    let cases: [([UInt8], String)] = [
      (rebuilt("_rebuild_tensor_v2", arguments(storage(bytes))), "has no type"),
      (
        rebuilt("_rebuild_tensor_v3", arguments(storage(), global("torch", "int64"))),
        "does not fit its storage"
      ),
      (typed(version2, global("torch", "Size"), arguments(storage())), "of a class that is not"),
      (typed(version3, tensor, arguments(storage())), "has no type"),
      (typed(global("collections", "Counter"), tensor, arguments(storage())), "built otherwise"),
    ]
    for (pickle, what) in cases {
      let problem = try #require(throws: Problem.self) { try run(pickle) }
      #expect(problem.kind == .invalid && problem.what.contains(what), "\(problem)")
    }
  }

  /// Numbers beyond 32 bits take another opcode.
  @Test func sizesBeyondFourGigabytesAreWrittenAndRead() throws {
    let header = TensorHeader(name: "w", type: .bf16, shape: [1 << 33, 3])
    let heap = try StatePickle([header]).bytes.withUnsafeBytes { bytes in
      var machine = PickleMachine(ByteReader(bytes))
      _ = try machine.run()
      return machine.heap
    }
    #expect(heap.tensors.map(\.shape) == [[1 << 33, 3]])
    #expect(heap.storages.map(\.count) == [3 << 33])
  }
}
