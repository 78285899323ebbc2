import Canonical
import Diagnostics
import JSON

/// Every layout this build knows.
public struct LayoutCatalogue: Sendable {
  /// The layouts, by id in alphabetical order.
  public let layouts: [Layout]

  /// Reads layout files.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  public init(files: [(name: String, bytes: [UInt8])]) throws {
    layouts = try files.map { name, bytes in
      try Problem.placing({ $0.inFile(name) }) { try Layout(parsing: bytes) }
    }.sorted { $0.id < $1.id }
  }

  /// The layouts of `formats/`, which are part of the build.
  /// - Throws: `Problem` of kind `invalid`, naming the file, where one of them is wrong.
  public static func builtIn() throws -> LayoutCatalogue {
    try LayoutCatalogue(files: FormatFiles.all.map { ($0.name, Array($0.text.utf8)) })
  }

  /// The layout with an id.
  /// - Throws: `Problem` of kind `usage` for an id nobody knows.
  public func layout(_ id: String) throws -> Layout {
    guard let layout = layouts.first(where: { $0.id == id }) else {
      throw Problem(
        .usage, "there is no such layout", expected: layouts.map(\.id).joined(separator: ", "),
        found: id)
    }
    return layout
  }

  /// Recognises the layout of a checkpoint from its config and the names of its tensors.
  /// - Throws: `Problem` of kind `unsupported` where no layout or more than one fits.
  public func detect(config: JSONValue?, names: Set<String>) throws -> LayoutEvidence {
    let findings = layouts.map { $0.detection.evidence(config: config, names: names) }
    let matches = zip(layouts, findings).filter { $1.against.isEmpty }
    guard let (layout, evidence) = matches.first else {
      let nearest = zip(layouts, findings).min { $0.1.against.count < $1.1.against.count }
      throw Problem(
        .unsupported, "no layout fits this checkpoint",
        expected: layouts.map(\.id).joined(separator: ", "),
        found: nearest.map { "nearest is \($0.id), but " + $1.against.joined(separator: ", ") },
        remedy: "name the layout with --from")
    }
    guard matches.count == 1 else {
      throw Problem(
        .unsupported, "more than one layout fits this checkpoint",
        found: matches.map(\.0.id).joined(separator: ", "), remedy: "name the layout with --from")
    }
    return LayoutEvidence(layout: layout, evidence: evidence.pro)
  }
}

/// A recognised layout and what speaks for it.
public struct LayoutEvidence: Sendable {
  /// The layout.
  public let layout: Layout
  /// What was seen, one clause each.
  public let evidence: [String]

  /// A layout and what speaks for it.
  public init(layout: Layout, evidence: [String]) {
    self.layout = layout
    self.evidence = evidence
  }
}

extension LayoutDetection {
  /// What speaks for and against the layout.
  func evidence(config json: JSONValue?, names: Set<String>) -> (pro: [String], against: [String]) {
    var pro: [String] = []
    var against: [String] = []
    for (key, values) in config {
      let found = json?[key]?.string
      let matches = found.map(values.contains) ?? false
      let text = "config \(key) is \(found ?? "missing")"
      if matches { pro.append(text) } else { against.append(text) }
    }
    for name in present.map({ $0.name() }) {
      if names.contains(name) { pro.append("has \(name)") } else { against.append("no \(name)") }
    }
    for name in absent.map({ $0.name() }) {
      if names.contains(name) { against.append("has \(name)") } else { pro.append("no \(name)") }
    }
    return (pro, against)
  }
}
