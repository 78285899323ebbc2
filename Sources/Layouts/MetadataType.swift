import Diagnostics
import JSON

/// The names of the types that values have in typed metadata.
public enum MetadataType {
  private static let scalars: Set<String> = [
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "u64", "i64", "f64",
  ]

  /// Every name: a scalar type, or one in brackets for a list of such values.
  public static let names: Set<String> = scalars.union(scalars.map { "[\($0)]" })

  /// The same name, if it is one.
  static func checked(_ value: JSONValue) throws -> String {
    let name = try FormatValue.string(value)
    if names.contains(name) { return name }
    throw Problem(
      .invalid, "a layout file names an unknown type of metadata",
      expected: scalars.sorted().joined(separator: ", ") + ", or one of them in brackets",
      found: name)
  }
}
