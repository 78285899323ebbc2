import Canonical
import Containers
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// The size of the buffer does not show in what is written.
struct WindowTests {
  @Test(arguments: [
    ("options/m2rnn-heads-divisor", "fla", nil as ScalarType?),
    ("huggingface/qwen3_next/bf16", "qwen3_5_moe", .f32), ("options/gdn-small", "lm-engine", .bf16),
    ("huggingface/qwen3_5/text-bf16", "gguf-qwen35", nil),
    ("huggingface/qwen3_5/text-bf16", "gguf-qwen35", .q8Zero),
  ])
  func anyBufferGivesTheSameBytes(fixture: String, layout: String, cast: ScalarType?) throws {
    let scratch = try TemporaryDirectory()
    let source = try OpenedModel(Fixtures.path(fixture), catalogue: .builtIn())
    var options = ConversionOptions()
    (options.cast, options.allowsLoss, options.allowed) = (cast, true, StrayTensor.extra)
    options.dropsMTP = true
    let plan: CheckpointPlan
    do {
      plan = try CheckpointPlan(
        converting: source, to: source.target(layout, cast: cast, in: .builtIn()), options: options)
    } catch {
      Issue.record("\(error)")
      return
    }
    for (index, tensor) in plan.shards.flatMap(\.tensors).enumerated() {
      guard case .move(let move) = tensor.content else { continue }
      let written = try [ByteSink.capacity, 8, 40, 1000].map { capacity in
        let path = scratch.path.appending("\(index)-\(capacity)")
        var sink = try ByteSink(creating: path, capacity: max(capacity, move.type.unit.bytes))
        let changed = try move.write(to: &sink).changed
        try sink.close()
        return (changed: changed, bytes: try MappedFile.readAll(path, limit: 1 << 24))
      }
      for other in written.dropFirst() {
        #expect(other.changed == written[0].changed, "\(tensor.name)")
        #expect(other.bytes == written[0].bytes, "\(tensor.name)")
      }
    }
  }
}
