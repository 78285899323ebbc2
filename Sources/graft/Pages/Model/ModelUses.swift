import Canonical
import Comparison
import Containers
import Conversion
import Diagnostics
import JSON
import Layouts
import Opening

/// What somebody who holds a model can do with it: which programs load it as it is, and what it can become.
struct ModelUses {
  /// A layout that a model can be converted to.
  private struct Target {
    let layout: String
    /// The options besides `--to`.
    let options: [String]
    /// What is lost; empty where nothing is.
    let loss: [String]

    func command(_ path: String) -> String {
      (["graft convert", path, "OUT --to", layout] + options).joined(separator: " ")
    }
  }

  private let path: String
  private let programs: [LoadingProgram]
  private let targets: [Target]

  /// - Parameter catalogue: where to look for layouts to become; nil not to look.
  /// - Cost: plans a conversion to every layout of the catalogue, from headers.
  init(_ model: OpenedModel, in catalogue: LayoutCatalogue?) throws {
    path = model.checkpoint.directory.string
    let isPlain =
      model.packing == nil && model.quantisation == nil && model.findings.isEmpty
      && !model.checkpoint.tensors.contains { $0.type.isBlock }
    let isOwn =
      model.layout.container != nil || model.checkpoint.container == .safetensors
    programs = isPlain && isOwn ? model.layout.loadingPrograms(for: model.configuration) : []
    targets = try (catalogue?.ids ?? []).filter { $0 != model.layout.id }
      .compactMap { try Self.target(model, $0, catalogue) }
  }

  /// The ways to leave out or round what a layout may have no place for, the least first.
  private static let attempts: [(options: [String], loss: [String], ConversionOptions)] = {
    let mtp = (["--mtp drop"], ["multi-token prediction"])
    let vision = (["--allow vision"], ["vision tower"])
    var ways: [(options: [String], loss: [String], ConversionOptions)] = []
    for parts in [[], [mtp], [vision], [mtp, vision]] {
      var options = ConversionOptions()
      options.dropsMTP = parts.contains { $0.1 == mtp.1 }
      options.allowed = parts.contains { $0.1 == vision.1 } ? [.vision] : []
      ways.append((parts.flatMap { $0.0 }, parts.flatMap { $0.1 }, options))
    }
    return ways
  }()

  /// How a model becomes one of a layout; nil where it cannot.
  private static func target(
    _ model: OpenedModel, _ layout: String, _ catalogue: LayoutCatalogue?
  ) throws -> Target? {
    guard let catalogue, model.layout.inspectOnly == nil else { return nil }
    for (options, loss, conversion) in attempts {
      let form = try model.target(
        layout, form: nil, cast: nil, quantising: nil, leaving: conversion.allowed, in: catalogue)
      guard form.inspectOnly == nil else { return nil }
      let explanation = try ConversionExplanation(model, to: form, options: conversion)
      if explanation.plan != nil { return Target(layout: layout, options: options, loss: loss) }
      // What is refused for its facts is refused with every option.
      guard explanation.facts.allSatisfy({ [.same, .allowed].contains($0.verdict) }) else {
        return nil
      }
    }
    return nil
  }

  /// What loads the model, as lines.
  var programLines: [String] {
    programs.map { "\($0.name): \($0.call.replacing("DIR", with: path))" }
  }

  /// What the model can become, as lines.
  var targetLines: [String] {
    targets.map { target in
      let loss =
        target.loss.isEmpty ? "exactly" : "without " + target.loss.joined(separator: " and ")
      return "\(target.layout), \(loss): \(target.command(path))"
    }
  }

  /// Both, for reports.
  var json: JSONObject {
    [
      "loads_in": .array(
        programs.map { ["program": .string($0.name), "call": .string($0.call)] }),
      "becomes": .array(
        targets.map { target in
          [
            "layout": .string(target.layout), "without": .array(target.loss.map { .string($0) }),
            "command": .string(target.command("DIR")),
          ]
        }),
    ]
  }
}
