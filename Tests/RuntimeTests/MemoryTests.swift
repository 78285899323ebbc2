import Canonical
import Diagnostics
import Tensors
import Testing

@testable import Runtime

/// Memory that no machine has is refused before it is asked for.
@Suite(.serialized) struct MemoryTests {
  @Test func moreThanTheMachineHasIsRefused() throws {
    let all = MachineMemory.limit / 4
    for count in [all + 1, Int.max / 4, Int.max / 8, Int.max] {
      let problem = try #require(throws: Problem.self) { try FloatBuffer(count) }
      #expect(problem.kind == .io && problem.what.hasPrefix("not enough memory"))
    }
    for shape in [[1 << 40, 1 << 40], [1 << 20, 1 << 20, 64, 1 << 20]] {
      #expect(throws: Problem.self) { try FloatBuffer(shape: shape) }
    }
  }

  /// Pages that nobody touches cost nothing, so that halves are handed out, but not three of them.
  @Test func buffersCountTogether() throws {
    let count = MachineMemory.limit / 4 * 2 / 5
    do {
      let buffers = [try FloatBuffer(count), try FloatBuffer(count)]
      #expect(throws: Problem.self) { try FloatBuffer(count) }
      #expect(buffers.count == 2)
    }
    #expect(try FloatBuffer(count).count == count)
  }

  @Test func capacityAndSizesCount() throws {
    let model = try Model(RandomModel.make([attention()]))
    for capacity in [1 << 40, Int.max / 2] {
      #expect(throws: Problem.self) { try SequenceState(model, capacity: capacity) }
    }
    #expect(throws: Problem.self) { try OwnedBytes(reserving: MachineMemory.limit + 1) }
  }

  @Test func aLargeVocabularyMakesSegmentsShorter() throws {
    let facts: Facts = ["vocabulary": .integer(1 << 20), "hidden": .integer(1)]
    let model = try Model(RandomModel.make([gdn()], model: facts))
    let workspace = try Workspace(model, threads: 1)
    #expect(workspace.segmentLength == 64)
    #expect(try Workspace(model, segmentLength: 8, threads: 1).segmentLength == 8)
  }
}
