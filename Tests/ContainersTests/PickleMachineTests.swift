import Diagnostics
import Foundation
import GraftTestSupport
import Tensors
import Testing

@testable import Containers

@Suite struct PickleMachineTests {
  private func run(_ bytes: [UInt8]) throws -> (value: PickleValue, heap: PickleHeap) {
    try bytes.withUnsafeBytes { bytes in
      var machine = PickleMachine(ByteReader(bytes))
      return (try machine.run(), machine.heap)
    }
  }

  private func problem(_ bytes: [UInt8]) throws -> Problem {
    try #require(throws: Problem.self) { try run(bytes) }
  }

  @Test func numbersInTwosComplement() throws {
    let cases: [([UInt8], Int)] = [
      ([0x4b, 0xff], 255), ([0x4d, 0x34, 0x12], 0x1234), ([0x4a, 0xfe, 0xff, 0xff, 0xff], -2),
      ([0x8a, 0], 0), ([0x8a, 1, 0x80], -128), ([0x8a, 2, 0x80, 0], 128),
      ([0x8a, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .max),
      ([0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x80], .min), ([0x8b, 1, 0, 0, 0, 0xff], -1),
    ]
    for (bytes, number) in cases { #expect(try run(bytes + [0x2e]).value.int == number) }
  }

  @Test func nestingNeedsNoStack() throws {
    let depth = 2_000_000
    let lists = [UInt8](repeating: 0x5d, count: depth) + [UInt8](repeating: 0x61, count: depth - 1)
    #expect(try run(lists + [0x2e]).heap.lists.count == depth)
    let tuples = [0x29] + [UInt8](repeating: 0x85, count: depth)
    #expect(try run(tuples + [0x2e]).heap.tuples.count == depth + 1)
  }

  @Test func longPicklesEnd() throws {
    let pickle: [UInt8] = [0x4e, 0x4e, 0x4e, 0x2e]
    try pickle.withUnsafeBytes { bytes in
      var enough = PickleMachine(ByteReader(bytes), mostSteps: 4)
      _ = try enough.run()
      var machine = PickleMachine(ByteReader(bytes), mostSteps: 3)
      let problem = try #require(throws: Problem.self) { _ = try machine.run() }
      #expect(problem.what == "the pickle is too long")
    }
  }

  /// A tuple that is short to name and long to look at.
  @Test func aTupleNamedManyTimesIsNotFree() throws {
    let tuple: [UInt8] = [0x28] + (UInt8(0)..<100).flatMap { [0x4b, $0] }
    let named: [UInt8] = Array("ctorch\nSize\n".utf8) + [0x68, 0, 0x85, 0x52, 0x30]
    let pickle = tuple + [0x74, 0x71, 0] + (0..<20).flatMap { _ in named } + [0x2e]
    try pickle.withUnsafeBytes { bytes in
      var enough = PickleMachine(ByteReader(bytes), mostSteps: 2500)
      _ = try enough.run()
      var machine = PickleMachine(ByteReader(bytes), mostSteps: 1000)
      let problem = try #require(throws: Problem.self) { _ = try machine.run() }
      #expect(problem.what == "the pickle is too long")
    }
    let more = tuple + [0x74, 0x71, 0] + (0..<100).flatMap { _ in named } + [0x2e]
    #expect(try self.problem(more).what == "the pickle is too long")
  }

  /// Every dictionary is looked at once for each depth, however many keys lead to it.
  @Test(.timeLimit(.minutes(1))) func aLargeRingEnds() throws {
    var ring: [UInt8] = [0x7d, 0x71, 0, 0x28]
    for key in ["model", "state_dict", "model_state_dict", "module"] {
      ring += [0x58, UInt8(key.utf8.count), 0, 0, 0] + key.utf8 + [0x68, 0]
    }
    for _ in 0..<30_000 { ring += [0x58, 1, 0, 0, 0, 0x61, 0x4e] }
    let (value, heap) = try run(ring + [0x75, 0x2e])
    #expect(throws: Problem.self) { try StateDictionary(value, in: heap) }
  }

  /// A list that holds itself, and a dictionary that is its own state dict.
  @Test func ringsEnd() throws {
    _ = try run([0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e])
    let ring: [UInt8] =
      [0x7d, 0x71, 0, 0x58, 5, 0, 0, 0] + "model".utf8 + [0x68, 0, 0x73, 0x2e]
    let (value, heap) = try run(ring)
    #expect(throws: Problem.self) { try StateDictionary(value, in: heap) }
  }

  private static let contradictions: [([UInt8], String)] = [
    ([0x2e], "takes more values"), ([0x68, 9, 0x2e], "recalls what it did not store"),
    ([0x4e, 0x61, 0x2e], "takes more values"), ([0x4e, 0x4e, 0x61, 0x2e], "appends to nothing"),
    ([0x28, 0x85, 0x2e], "takes more values"), ([0x74, 0x2e], "takes more values"),
    ([0x7d, 0x28, 0x4e, 0x75, 0x2e], "puts 1 values into"),
    ([0x4e, 0x4e, 0x52, 0x2e], "calls nothing with nothing"), ([0x58, 9, 0, 0, 0, 1], "too early"),
    ([0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80], "too early"), ([], "too early"), ([0x4b], "too early"),
    ([0x8b, 0xff, 0xff, 0xff, 0xff], "too early"), ([0x63, 0x61], "has no end"),
    ([0x58, 1, 0, 0, 0, 0xff, 0x2e], "not UTF-8"), ([0x4e, 0x51, 0x2e], "another form"),
  ]

  @Test(arguments: contradictions)
  func contradictionsAreInvalid(_ bytes: [UInt8], _ what: String) throws {
    let problem = try problem(bytes)
    #expect(problem.kind == .invalid && problem.what.contains(what))
  }

  private static let refusals: [([UInt8], String)] = [
    ([0x80, 1, 0x2e], "protocol 1 at offset 0"), ([0x80, 6], "protocol 6 at offset 0"),
    ([0x4e, 0x32, 0x2e], "opcode 0x32 at offset 1"), ([0x97], "opcode 0x97 at offset 0"),
    (Array("cos\nsystem\n.".utf8), "global os.system at offset 0"),
    (Array("cbuiltins\neval\n.".utf8), "global builtins.eval at offset 0"),
    (Array("ctorch\nload\n.".utf8), "global torch.load at offset 0"),
    ([0x8c, 2, 0x6f, 0x73, 0x8c, 1, 0x78, 0x93], "global os.x at offset 7"),
    ([0x29, 0x4e, 0x62, 0x2e], "attributes of a tuple at offset 2"),
  ]

  @Test(arguments: refusals)
  func everythingElseIsRefusedByNameAndOffset(_ bytes: [UInt8], _ found: String) throws {
    let problem = try problem(bytes)
    #expect(problem.kind == .unsupported && problem.found == found)
  }

  @Test func damagedPicklesEnd() throws {
    for name in ["views", "training", "protocol5"] {
      let archive = try ZipArchive(MappedFile(ContainerFixture("torch/\(name).pt").path))
      let pickle = try #require(archive.entry("\(name)/data.pkl")).bytes(limit: 1 << 20)
      Mutations.forEach(of: pickle, count: 5000) { damaged, seed in
        guard let (value, heap) = try? run(damaged) else { return }
        guard let state = try? StateDictionary(value, in: heap) else { return }
        #expect(state.tensors.count <= damaged.count, "seed \(seed)")
      }
    }
  }
}
