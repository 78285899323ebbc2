import Canonical
import Diagnostics
import GraftTestSupport
import Tensors
import Testing

@testable import Layouts

/// Tensors of a binding among stored ones, and layouts that are ruled out before they are bound.
struct FoundTensorTests {
  private static let layout = Result { try LayoutCatalogue.builtIn().layout("lm-engine") }

  private static func headers(_ tensors: [BoundTensor]) -> StoredHeaders {
    var stored = StoredHeaders(reserving: tensors.count)
    for tensor in tensors { _ = stored.append(tensor.name, (.f32, tensor.shape)) }
    return stored
  }

  @Test(arguments: 0..<4) func eachTensorIsFoundAtItsPlace(seed: UInt64) throws {
    let layout = try Self.layout.get()
    let configuration = try GeneratedModel.configuration(seed: seed)
    let binding = try LayoutBinding(layout, configuration)
    let stored = Self.headers(binding.tensors.reversed())
    let found = FoundTensors(binding, in: stored)
    #expect(found.isComplete && found.areDistinct)
    for (index, tensor) in binding.tensors.enumerated() {
      #expect(found[index].map { stored.names[$0] } == tensor.name)
    }
    #expect(layout.mayName(stored, configuration))
  }

  /// The first name that is missing rules a layout out; the last expert of a layer does not, as only binding shows it.
  @Test func missingTensorsAreNotFound() throws {
    let layout = try Self.layout.get()
    let configuration = try GeneratedModel.configuration(seed: 1)
    let binding = try LayoutBinding(layout, configuration)
    let stored = Self.headers(Array(binding.tensors.dropFirst()))
    let found = FoundTensors(binding, in: stored)
    #expect(!found.isComplete && found[0] == nil && found[1] == 0)
    #expect(!layout.mayName(stored, configuration))
  }

  /// What recognising reads of the files of the build is what the whole files say.
  @Test func outlinesSayWhatWholeFilesSay() throws {
    let whole = try FormatFiles.layouts.flatMap { name, text in
      try LayoutOutline.forms(
        parsing: LayoutFile(name: name, bytes: Array(text.utf8), sha256: ""), parts: .builtIn)
    }
    let outlines = try LayoutCatalogue.builtIn().outlines
    #expect(outlines.map(\.id) == whole.map(\.id))
    #expect(outlines.map(\.form.name) == whole.map(\.form.name))
    #expect(outlines.map(\.detection.present) == whole.map(\.detection.present))
    #expect(
      outlines.map { $0.detection.config.map(\.key) }
        == whole.map { $0.detection.config.map(\.key) })
  }
}
