import JSON
import Layouts
import Opening

extension OpenedModel {
  /// The config.
  var config: ConfigText {
    ConfigText(value: checkpoint.config ?? .null, bytes: checkpoint.configBytes)
  }

  /// A config with what it says of quantised weights brought up to date; unchanged where that is true.
  /// - Parameters:
  ///   - binding: the stored tensors the config is for.
  ///   - quantised: the names of those with scales, or that stay packed.
  func config(_ config: JSONValue, of binding: LayoutBinding, quantised: Set<String>) -> JSONValue {
    if let packing { return packing.config(config, of: binding, packed: quantised) }
    guard let rule = layout.scales ?? binding.layout.scales else { return config }
    guard let quantisation, !quantised.isEmpty else {
      return rule.config(config, in: binding.layout, quantisedExcept: nil)
    }
    let names = [self.binding, binding].map { Set($0.tensors.map(\.name)) }
    if names[0] == names[1], quantised == Set(self.binding.allScaled) { return config }
    let claimed = try? binding.layout.quantisation(from: config)
    if let claimed, claimed.exceptions != quantisation.exceptions,
      binding.agrees(with: claimed, quantised: quantised)
    {
      return config
    }
    let modules = binding.exceptions(of: quantisation, in: self.binding, quantised: quantised)
    return rule.config(config, in: binding.layout, quantisedExcept: modules)
  }
}
