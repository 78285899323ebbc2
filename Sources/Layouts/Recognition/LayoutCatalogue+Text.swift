import Diagnostics
import JSON

extension LayoutCatalogue {
  /// The text of a layout file of the build, or of a part that such files share, as it is.
  /// - Parameters:
  ///   - name: the id of the layout, or the name of the part.
  ///   - whole: whether the parts that the layout uses are filled in.
  /// - Throws: `Problem` of kind `usage` for a name of neither.
  public static func builtInText(_ name: String, whole: Bool) throws -> String {
    let file = FormatFiles.layouts.first { $0.name == name + ".json" }
    guard let text = (file ?? FormatFiles.parts.first { $0.name == name + ".json" })?.text else {
      let known = (FormatFiles.layouts + FormatFiles.parts).map { String($0.name.dropLast(5)) }
      throw Problem(
        .usage, "there is no such layout file in the build",
        expected: known.joined(separator: ", "), found: name,
        remedy: Suggestion.question(
          name, in: known, or: "choose one; graft formats says what each layout is"))
    }
    guard whole, file != nil else { return text }
    let value = try LayoutParts.builtIn.composed(JSONValue(parsing: Array(text.utf8)))
    return value.text(indent: 2) + "\n"
  }
}
