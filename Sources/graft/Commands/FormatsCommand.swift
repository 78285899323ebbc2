import ArgumentParser
import JSON
import Layouts
import Opening
import Reports
import SystemPackage

/// `graft formats`: the layouts that are known, one of them as a file, or what is wrong with a file.
struct FormatsCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "formats",
    abstract: "List the layouts and their forms on disk; print or check a layout file.",
    discussion: """
      formats/README.md says what a layout file holds. One from --formats DIR is used like a built-in one.

      Example: graft formats --show qwen3_next
      """)

  @Option(
    help: ArgumentHelp(
      "Print a built-in layout file, or a part that such files share.", valueName: "id"),
    completion: .layouts)
  var show: String?
  @Flag(help: "With --show: fill in the parts that the layout uses.")
  var whole = false
  @Option(
    help: ArgumentHelp(
      "Check a layout file on generated models; exit code 65 with the place where it is wrong.",
      valueName: "file"), completion: .file(extensions: ["json"]))
  var check: String?
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard show == nil || check == nil else {
      throw ValidationError("--show and --check do not go together.")
    }
    guard show != nil || !whole else { throw ValidationError("--whole needs --show ID.") }
  }

  func perform() throws -> Outcome {
    let catalogue = try common.catalogue()
    if let show { return try shown(show) }
    if let check { return try checked(check, catalogue) }
    let entries = try catalogue.ids.map { id in
      (try catalogue.layout(id), catalogue.outlines.filter { $0.id == id }.map(\.form))
    }
    return Outcome(
      json: ["layouts": .array(entries.map { .object(document($0, $1)) })],
      text: entries.flatMap(lines))
  }

  private func shown(_ name: String) throws -> Outcome {
    let text = try LayoutCatalogue.builtInText(name, whole: whole)
    // The line end of the last line comes from the stream.
    return Outcome(
      json: ["id": .string(name), "text": .string(text)],
      text: [text.hasSuffix("\n") ? String(text.dropLast()) : text], isProse: true)
  }

  private func checked(_ path: String, _ catalogue: LayoutCatalogue) throws -> Outcome {
    let file = try LayoutFile(FilePath(path))
    let check = try LayoutCheck(file, in: catalogue)
    let forms = Quantity.of(check.forms, "form")
    let found =
      check.layout.inspectOnly == nil
      ? "\(check.held) of \(check.models) generated models fit and come back as they were"
      : "inspected only: \(check.layout.inspectOnly ?? "")"
    return Outcome(
      json: [
        "file": .string(path), "sha256": file.record.map { .string($0.sha256) } ?? .null,
        "id": .string(check.layout.id), "version": JSONValue(check.layout.version),
        "forms": JSONValue(check.forms), "models": JSONValue(check.models),
        "held": JSONValue(check.held),
      ],
      text: ["\(path)  layout \(check.layout.id), \(forms): \(found)"])
  }

  private func document(_ layout: Layout, _ forms: [LayoutForm]) -> JSONObject {
    var object: JSONObject = [
      "id": .string(layout.id),
      "version": JSONValue(layout.version),
      "about": .string(layout.about),
      "inspect_only": layout.inspectOnly.map { .string($0) } ?? .null,
      "forms": .array(
        forms.map { .object(["name": .string($0.name), "written": .bool($0.isWritten)]) }),
    ]
    if let record = layout.record {
      object["file"] = .string(record.name)
      object["sha256"] = .string(record.sha256)
    }
    return object
  }

  private func lines(_ layout: Layout, _ forms: [LayoutForm]) -> [String] {
    let names = forms.filter { !$0.name.isEmpty }
      .map { $0.isWritten ? $0.name : "\($0.name) (read only)" }
    let limit = layout.inspectOnly.map { ["  inspected only: \($0)"] } ?? []
    let file = layout.record.map { ["  from \($0.name)"] } ?? []
    return ["\(layout.id)  \(layout.about)"] + limit + file
      + (names.isEmpty ? [] : ["  forms: \(names.joined(separator: "; "))"])
  }
}
