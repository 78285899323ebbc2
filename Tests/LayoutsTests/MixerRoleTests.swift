import Canonical
import GraftTestSupport
import Layouts
import Testing

/// Every layout stores the tensors that a mixer has, and no others.
struct MixerRoleTests {
  private static let layouts = (try? LayoutCatalogue.builtIn().layouts) ?? []

  @Test(arguments: layouts.map(\.id), 0..<12)
  func whatAMixerHasIsStored(id: String, seed: UInt64) throws {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    guard let configuration = try GeneratedModel.configuration(seed: seed, in: layout) else {
      return
    }
    let stored = try LayoutBinding(layout, configuration).tensors.flatMap(\.parts).map(\.role)
    for (index, layer) in configuration.layers.enumerated() {
      let ofMixer = stored.filter { $0.layer == index && layer.mixer.owns($0) }
      #expect(ofMixer.map(\.name).sorted() == layer.mixer.roleNames.sorted())
    }
  }
}
