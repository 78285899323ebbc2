import Canonical
import Diagnostics
import JSON

/// The layouts that are known: those of the build, and others that were read beside them.
public struct LayoutCatalogue: Sendable {
  /// One entry per form on disk, the preferred form of each layout first.
  public let outlines: [LayoutOutline]
  private let parts: LayoutParts

  /// The whole layouts, form by form.
  /// - Throws: `Problem` of kind `invalid`, naming the file, where one of them is wrong.
  public var layouts: [Layout] { get throws { try outlines.map { try $0.layout() } } }

  /// The ids of the layouts.
  public var ids: [String] {
    outlines.map(\.id).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// Reads what recognising layouts needs from their files.
  /// - Parameter parts: the parts that they may use.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  public init(
    files: [(name: String, bytes: [UInt8])], parts: LayoutParts = LayoutParts([])
  ) throws {
    let files = files.map { LayoutFile(name: $0.name, bytes: $0.bytes) }
    self.init(outlines: [], parts: parts)
    self = try adding(files)
  }

  private init(outlines: [LayoutOutline], parts: LayoutParts) {
    (self.outlines, self.parts) = (outlines, parts)
  }

  /// The same layouts and those of other files, which may use the same parts and others.
  /// - Throws: `Problem` of kind `invalid`, naming the file, also where its id or the name of a part is
  ///   taken.
  public func adding(_ files: [LayoutFile], parts others: [LayoutFile] = []) throws
    -> LayoutCatalogue
  {
    let parts = others.isEmpty ? parts : parts.adding(others)
    return try files.reduce(LayoutCatalogue(outlines: outlines, parts: parts)) { catalogue, file in
      let forms = try locating(.file(file.name), advising: FormatValue.remedy) {
        let forms = try LayoutOutline.forms(parsing: file, parts: parts)
        if let form = forms.first { try catalogue.checkFree(form.id) }
        return forms
      }
      return LayoutCatalogue(outlines: catalogue.outlines + forms, parts: parts)
    }
  }

  /// Refuses an id that another file has, so that no file takes the place of another unseen.
  private func checkFree(_ id: String) throws {
    guard let other = outlines.first(where: { $0.id == id }) else { return }
    throw Problem(
      .invalid, "two layout files have one id", expected: "an id that no other layout has",
      found: other.record.map { "\(id), which \($0.name) has" } ?? "\(id), which is built in",
      remedy: "give the layout another id; graft formats lists those that are taken"
    ).located(.place("layout"))
  }

  /// The layouts of `formats/`, which are part of the build.
  /// - Throws: `Problem` of kind `invalid`, naming the file, where one of them is wrong.
  /// - Cost: reads the files once in the life of the process.
  public static func builtIn() throws -> LayoutCatalogue { try embedded.get() }

  private static let embedded = Result {
    try LayoutCatalogue(
      files: FormatFiles.layouts.map { ($0.name, Array($0.text.utf8)) }, parts: .builtIn)
  }

  /// The layout with an id, in the form of a name or else the preferred one.
  /// - Parameters:
  ///   - quantised: whether weights are written with scales, for which another form may be preferred.
  ///   - sharing: the prefixes of shared carried tensors; a form that has a place for all is preferred.
  ///   - hasHead: whether the model has a language head; a form of such models is preferred.
  ///   - source: the id of the layout that the model comes from; a form that suits it is preferred.
  /// - Throws: `Problem` of kind `usage` for an id or a form nobody knows or writes.
  public func layout(
    _ id: String, form: String? = nil, quantised: Bool = false, sharing: Set<String> = [],
    hasHead: Bool = true, from source: String? = nil
  ) throws -> Layout {
    // Forms that suit the model: its head, then a place for its shared carried tensors.
    let known = outlines.filter { $0.id == id && $0.form.isWritten }
    let classed = known.filter { ($0.form.modelClass == .language) == hasHead }
    let all = form != nil || classed.isEmpty ? known : classed
    let fitting =
      form != nil || sharing.isEmpty
      ? [] : try all.filter { try $0.layout().sharedPrefixes.isSuperset(of: sharing) }
    let written = fitting.isEmpty ? all : fitting
    let suiting = source.flatMap { id in written.first { $0.form.suits.contains(id) } }
    guard let preferred = suiting ?? written.first else {
      throw Problem(
        .usage, "there is no such layout", expected: ids.joined(separator: ", "), found: id,
        remedy: Suggestion.question(
          id, in: ids, or: "choose one; graft formats says what each of them is"))
    }
    // Without a name: the preferred form, or for quantised weights one with a tag of `scales`.
    guard let form else {
      let tags = quantised ? try preferred.layout().scales?.tags ?? [] : []
      return try (written.first { !$0.form.tags.isDisjoint(with: tags) } ?? preferred).layout()
    }
    guard let layout = written.first(where: { $0.form.name == form }) else {
      let names = written.map(\.form.name).filter { !$0.isEmpty }
      throw Problem(
        .usage, "layout \(id) is not written in such a form",
        expected: names.isEmpty ? "no form: there is one only" : names.joined(separator: "; "),
        found: form,
        remedy: Suggestion.question(form, in: names, or: "leave --form out for the preferred one"))
    }
    return try layout.layout()
  }

  /// The layouts that the config and the names of the tensors fit; the preferred form of each first.
  /// - Parameter has: whether there is a tensor of that name.
  /// - Returns: nothing where none fits; `refusal(config:names:)` says why.
  public func candidates(config: JSONValue?, has: (String) -> Bool) -> [LayoutCandidate] {
    outlines.compactMap { outline in
      let (pro, against) = outline.evidence(config: config, has: has)
      return against.isEmpty ? LayoutCandidate(outline, evidence: pro) : nil
    }
  }

  /// The forms of one layout, the one that fits best first.
  /// - Throws: `Problem` of kind `usage` for an id nobody knows.
  public func forms(of id: String, config: JSONValue?, has: (String) -> Bool) throws
    -> [LayoutCandidate]
  {
    _ = try layout(id)
    let isHeadless = OtherHead.evidence(config: config, has: has) != nil
    let forms = outlines.filter { $0.id == id && ($0.form.modelClass != .other || isHeadless) }
    let counts = forms.map { $0.evidence(config: config, has: has).against.count }
    return zip(forms, counts).sorted { $0.1 < $1.1 }
      .map { LayoutCandidate($0.0, evidence: ["named by --from"]) }
  }
}
