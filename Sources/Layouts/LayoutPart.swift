import Diagnostics
import JSON

/// Rules that several layouts share: named lists of config keys, of tensors or of whatever else a layout
/// file lists.
///
/// A layout file says in one of its lists where the rules of a part stand; see `PartUse`.
public struct LayoutPart: Sendable {
  /// The name by which layouts use it.
  public let name: String
  /// The rules of each list, in which `{place}` stands for what a layout puts there.
  let lists: [String: [JSONValue]]

  /// Reads a part.
  /// - Throws: `Problem` of kind `invalid` for anything the file should not say.
  public init(parsing bytes: [UInt8]) throws {
    var file = try FormatObject(JSONValue(parsing: bytes), "the top level")
    name = try file.string("part")
    _ = try file.string("about")
    guard case .object(let lists) = try file.required("lists") else {
      throw FormatValue.wrong(try file.required("lists"), "names of lists and their rules")
    }
    self.lists = Dictionary(
      uniqueKeysWithValues: try lists.entries.map { ($0.key, try FormatValue.array($0.value)) })
    try file.finish()
  }
}
