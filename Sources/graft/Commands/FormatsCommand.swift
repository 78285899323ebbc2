import ArgumentParser
import JSON
import Layouts

/// `graft formats`: the layouts this build knows.
struct FormatsCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "formats", abstract: "List the layouts and their forms on disk.",
    discussion: "Example: graft formats")

  @OptionGroup var common: CommonOptions

  func perform() throws -> Outcome {
    let catalogue = try LayoutCatalogue.builtIn()
    let entries = try catalogue.ids.map { id in
      (try catalogue.layout(id), catalogue.outlines.filter { $0.id == id }.map(\.form))
    }
    return Outcome(
      json: ["layouts": .array(entries.map { .object(document($0, $1)) })],
      text: entries.flatMap(lines))
  }

  private func document(_ layout: Layout, _ forms: [LayoutForm]) -> JSONObject {
    [
      "id": .string(layout.id),
      "version": JSONValue(layout.version),
      "about": .string(layout.about),
      "inspect_only": layout.inspectOnly.map { .string($0) } ?? .null,
      "forms": .array(
        forms.map { .object(["name": .string($0.name), "written": .bool($0.isWritten)]) }),
    ]
  }

  private func lines(_ layout: Layout, _ forms: [LayoutForm]) -> [String] {
    let names = forms.filter { !$0.name.isEmpty }
      .map { $0.isWritten ? $0.name : "\($0.name) (read only)" }
    let limit = layout.inspectOnly.map { ["  inspected only: \($0)"] } ?? []
    return ["\(layout.id)  \(layout.about)"] + limit
      + (names.isEmpty ? [] : ["  forms: \(names.joined(separator: "; "))"])
  }
}
