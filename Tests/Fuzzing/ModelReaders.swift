import Canonical
import JSON
import SystemPackage
import Tensors

@testable import Layouts

/// Readers of what describes a model or a layout.
enum ModelReaders {
  private static let layouts: [Layout] = {
    guard let layouts = try? LayoutCatalogue.builtIn().layouts else {
      fatalError("the layouts of the build cannot be read")
    }
    return layouts
  }()

  /// A config, read and expanded as every layout would, and written again.
  static func config(_ input: UnsafeRawBufferPointer) throws {
    let config = try JSONValue(parsing: input)
    _ = PackedWeights.recognise(config, [:])
    for layout in layouts {
      _ = try? layout.quantisation(from: config)
      guard let configuration = try? layout.configuration(from: config) else { continue }
      _ = layout.unsaid(configuration)
      _ = layout.updatedConfig(config, from: configuration, to: configuration)
      guard let binding = try? LayoutBinding(layout, configuration) else { continue }
      let claims = ConfigClaims(binding, configuration, config, [:], file: "config.json")
      _ = (claims.problems, claims.findings)
    }
  }

  /// A layout file, and a model bound to what it says.
  static func formats(_ input: UnsafeRawBufferPointer) throws {
    let catalogue = try LayoutCatalogue(
      files: [("input", Array(input))], parts: .builtIn)
    for layout in try catalogue.layouts {
      for (config, configuration) in models {
        _ = try? layout.configuration(from: config)
        _ = try? LayoutBinding(layout, configuration)
      }
    }
  }

  /// Models with experts and with layers of every kind, read from where the fuzzer runs.
  private static let models: [(JSONValue, ModelConfiguration)] = [
    "options/everything", "huggingface/qwen3_5_moe/text-f32",
  ].flatMap { name -> [(JSONValue, ModelConfiguration)] in
    guard
      let bytes = try? MappedFile.readAll(FilePath("fixtures/\(name)/config.json"), limit: 1 << 16),
      let config = try? JSONValue(parsing: bytes)
    else { fatalError("no config of \(name)") }
    return layouts.lazy.compactMap { try? $0.configuration(from: config) }.prefix(1)
      .map { (config, $0) }
  }
}
