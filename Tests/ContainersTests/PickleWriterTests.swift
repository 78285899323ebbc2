import Tensors
import Testing

@testable import Containers

@Suite struct PickleWriterTests {
  private func read(_ tree: PickleTree) throws -> (PickleValue, PickleHeap) {
    try PickleWriter.bytes(of: tree).withUnsafeBytes { bytes in
      var machine = PickleMachine(ByteReader(bytes))
      return (try machine.run(), machine.heap)
    }
  }

  @Test func valuesComeBack() throws {
    let numbers = [0, -1, Int(Int32.max) + 1, Int.min, 1 << 62]
    let (value, heap) = try read(
      .dictionary([
        (.word("numbers"), .tuple(numbers.map { .int($0) })),
        (.word("more"), .list(numbers.map { .int($0) })), (.text("flag"), .bool(true)),
        (.text("ä\n"), .none), (.text("size"), .size([3, 4])),
        (.text("type"), .global(.type(.bf16))),
        (.text("empty"), .tuple([])),
      ]))
    #expect(heap.member("numbers", of: value).flatMap(heap.numbers) == numbers)
    #expect(heap.member("more", of: value).flatMap(heap.numbers) == numbers)
    #expect(heap.member("size", of: value).flatMap(heap.numbers) == [3, 4])
    #expect(heap.member("empty", of: value).flatMap(heap.numbers) == [])
    guard case .bool(true)? = heap.member("flag", of: value),
      case .none? = heap.member("ä\n", of: value),
      case .global(.type(.bf16))? = heap.member("type", of: value)
    else { return #expect(Bool(false)) }
  }

  /// Many more words than a short instruction can count.
  @Test func whatOccursAgainIsWrittenOnce() throws {
    let words = (0..<300).map { "word \($0)" }
    let tree = PickleTree.list((words + words).map { .word($0) })
    let (value, heap) = try read(tree)
    #expect(heap.elements(value)?.compactMap(\.text) == words + words)
    let again = try PickleWriter.bytes(of: tree).count
    #expect(try again < PickleWriter.bytes(of: .list(words.map { .word($0) })).count + 300 * 6)
  }

  @Test func objectsHaveTheirAttributes() throws {
    let (value, heap) = try read(
      .object(.chunkMetadata, ["offsets": .size([0]), "sizes": .size([7])]))
    let state = try #require(heap.state(of: value, .chunkMetadata))
    #expect(heap.member("sizes", of: state).flatMap(heap.numbers) == [7])
    let (other, objects) = try read(.object(.bytesMetadata, state: nil))
    guard case .object(let place) = other else { return #expect(Bool(false)) }
    #expect(objects.objects[place].type == .bytesMetadata)
  }
}
