import Canonical
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// The laws of a layout, on generated checkpoints: read(write(m)) = m and write(read(f)) = f.
struct LayoutLawTests {
  private static let layouts = (try? LayoutCatalogue.builtIn().layouts) ?? []

  /// The random model of a seed; nil where a layout holds none, or where it would hold it as another one
  /// does: without a Gated DeltaNet layer mcore-slime is mcore-gpt, tensor by tensor.
  private func configuration(_ seed: UInt64, in layout: Layout) throws -> ModelConfiguration? {
    let found = try GeneratedModel.configuration(seed: seed, in: layout)
    let hasDelta = found?.layers.contains {
      if case .gatedDeltaNet = $0.mixer { true } else { false }
    }
    return layout.id != "mcore-slime" || hasDelta == true ? found : nil
  }

  @Test(arguments: layouts.filter(\.form.isWritten).map(\.id), 0..<8)
  func whatIsWrittenIsReadAgain(id: String, seed: UInt64) throws {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    guard let configuration = try configuration(seed, in: layout) else { return }
    let scratch = try TemporaryDirectory()
    let model = try GeneratedModel.model(configuration, layout, seed: seed)
    try GeneratedCheckpoint.write(model, layout, cast: nil, to: scratch.path)
    let read = try OpenedModel(scratch.path, catalogue: .builtIn())
    #expect(read.layout.id == id && read.configuration == configuration)
    #expect(Set(read.canonical.tensors.keys) == Set(model.tensors.keys))
    for (role, tensor) in model.tensors {
      let found = try #require(read.canonical.tensors[role])
      let tolerance: Float = found.steps.contains(where: \.isExponential) ? 0x1p-22 : 0
      for (a, b) in try zip(found.floats(), tensor.floats()) {
        #expect(abs(a - b) <= tolerance, "\(role)")
      }
    }
  }

  @Test(arguments: layouts.filter(\.form.isWritten).map(\.id), 0..<4)
  func whatIsReadIsWrittenAgain(id: String, seed: UInt64) throws {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    guard let configuration = try configuration(seed, in: layout) else { return }
    let scratch = try TemporaryDirectory()
    let source = try TemporaryDirectory()
    let cast: ScalarType? = seed % 2 == 0 ? .bf16 : nil
    try GeneratedCheckpoint.write(
      try GeneratedModel.model(configuration, layout, seed: seed), layout, cast: cast,
      to: source.path)
    var options = ConversionOptions()
    options.maximumShardSize = seed % 3 == 0 ? 500 : nil
    let read = try OpenedModel(source.path, from: id, catalogue: .builtIn())
    let plan = try CheckpointPlan(converting: read, to: layout, options: options)
    let copy = scratch.path.appending("copy")
    try plan.writePlainly(to: copy)
    let again = try OpenedModel(copy, catalogue: .builtIn())
    #expect(again.layout.id == id)
    for tensor in read.checkpoint.tensors {
      let other = try #require(again.checkpoint.tensor(tensor.name))
      #expect(other.type == tensor.type && other.shape == tensor.shape)
      #expect(try tensor.region.holdsSameBytes(as: other.region), "\(tensor.name)")
    }
    // What comes into another container gets the config of that container.
    if read.checkpoint.container == .safetensors, again.checkpoint.container == .safetensors {
      #expect(again.checkpoint.configBytes == read.checkpoint.configBytes)
    }
    #expect(again.configuration == read.configuration)
  }

  /// Any split into files and any order of windows gives the bytes of a plain copy.
  @Test(arguments: [1, 7, 64, 1000])
  func windowsDoNotMatter(size: Int) throws {
    let source = StridedView(contiguous: [6, 5, 4])
    let target = try #require(
      source.moved(
        by: RadixMap([
          .init(6, from: 20, to: 4), .init(5, from: 4, to: 24), .init(4, from: 1, to: 1),
        ])))
    let pairing = PairedView(source: source, target: target)
    var whole = Array(repeating: -1, count: 120)
    pairing.forEachRun { from, to, count in
      for index in 0..<count { whole[to + index] = from + index }
    }
    var windowed = Array(repeating: -1, count: 120)
    for start in stride(from: 0, to: 120, by: size) {
      pairing.forEachRun(in: start..<min(start + size, 120)) { from, to, count in
        for index in 0..<count { windowed[to + index] = from + index }
      }
    }
    #expect(windowed == whole)
  }
}
