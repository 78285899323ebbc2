import Containers
import Diagnostics
import Testing

@Suite struct ShardPlanTests {
  private func plan(_ sizes: [Int], _ maximum: Int?) -> [[String]] {
    let tensors = sizes.enumerated().map { (name: "\($0)", byteCount: $1) }
    return ShardPlan(tensors, maximum: maximum, container: .safetensors).shards.map(\.tensors)
  }

  // The cases of huggingface_hub: [6, 6, 2, 6, 2, 2] with a limit of 10, and a tensor above it.
  @Test func isGreedyInOrder() {
    #expect(plan([6, 6, 2, 6, 2, 2], 10) == [["0"], ["1", "2"], ["3", "4", "5"]])
    #expect(plan([5, 5, 1], 10) == [["0", "1"], ["2"]])
    #expect(plan([2, 11, 3, 10], 10) == [["1"], ["0", "2"], ["3"]])
    #expect(plan([11, 12], 10) == [["0"], ["1"]])
    #expect(plan([0, 0, 10, 0], 10) == [["0", "1", "2", "3"]])
  }

  @Test func withoutLimitOrTensorsThereIsOneFile() {
    #expect(plan([1 << 40, 1 << 40], nil) == [["0", "1"]])
    #expect(plan([], 1) == [[]])
    #expect(ShardPlan([], container: .safetensors).shards.map(\.fileName) == ["model.safetensors"])
  }

  @Test func namesCountFromOne() {
    let plan = ShardPlan([("a", 9), ("b", 9)], maximum: 10, container: .safetensors)
    let names = plan.shards.map(\.fileName)
    #expect(names == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"])
    let large = Container.safetensors.shardName(123_456, of: 123_456)
    #expect(large == "model-123456-of-123456.safetensors")
  }

  @Test(arguments: [
    ("5GB", 5_000_000_000), ("500MB", 500_000_000), ("1.5GiB", 1_610_612_736), ("123", 123),
    ("10kb", 10_000), ("2KiB", 2048), ("3MiB", 3 << 20), ("1TB", 1_000_000_000_000),
    ("1TiB", 1 << 40), ("7B", 7), ("0.5kB", 500),
  ])
  func sizes(_ text: String, _ bytes: Int) throws {
    #expect(try ByteSize(text).bytes == bytes)
  }

  @Test(arguments: [
    "", "GB", "5 GB", "-5GB", "5G", "0", "0GB", "1e3MB", "nan", "infGB", "1..5GB", ".", "0x10",
    "99999999999TB", "5GBGB",
  ])
  func noSizes(_ text: String) throws {
    let problem = try #require(throws: Problem.self) { try ByteSize(text) }
    #expect(problem.kind == .usage && problem.found == "\"\(text)\"")
  }
}
