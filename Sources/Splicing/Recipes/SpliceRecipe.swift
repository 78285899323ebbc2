import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A file that says which layers are replaced, with which sizes and strategies.
public enum SpliceRecipe {
  /// - Units: bytes.
  private static let limit = 1 << 20

  /// Reads a recipe, `.yaml`, `.yml` or `.json`.
  /// - Throws: `Problem` that names the file, for a file that cannot be read, a key that nobody knows,
  ///   or a value that cannot be.
  public static func read(_ file: String) throws -> [SpliceGroup] {
    try locating(.file(file), advising: "see recipes/ for what a recipe looks like") {
      let path = FilePath(file)
      let bytes = try MappedFile.readAll(path, limit: limit)
      let value: JSONValue
      switch path.extension {
      case "json": value = try JSONValue(parsing: bytes)
      case "yaml", "yml": value = try PlainYAML.value(String(decoding: bytes, as: UTF8.self))
      default:
        throw Problem(
          .usage, "cannot tell how the recipe is written", expected: ".yaml, .yml or .json")
      }
      return try groups(value)
    }
  }

  private static func groups(_ value: JSONValue) throws -> [SpliceGroup] {
    try checkKeys(value, ["splice"])
    guard let items = value["splice"]?.array, !items.isEmpty else {
      throw Problem(.invalid, "the recipe has no list splice", expected: "a list of groups")
    }
    return try items.map(group)
  }

  private static func checkKeys(_ value: JSONValue, _ known: Set<String>) throws {
    guard let object = value.object else {
      throw Problem(
        .invalid, "a part of the recipe has no keys",
        expected: known.sorted().joined(separator: ", "),
        found: value.kindName)
    }
    guard let key = object.keys.first(where: { !known.contains($0) }) else { return }
    throw Problem(
      .invalid, "the recipe has a key that nobody knows",
      expected: known.sorted().joined(separator: ", "), found: String(key.prefix(60)))
  }

  private static func group(_ value: JSONValue) throws -> SpliceGroup {
    try checkKeys(
      value,
      [
        "layers", "init", "seed", "steps", "k_head_dim", "v_head_dim", "heads", "donor",
        "donor_layer",
      ])
    guard let list = value["layers"]?.array, case let layers = list.compactMap(\.int),
      layers.count == list.count, !layers.isEmpty
    else {
      throw Problem(.invalid, "a group of the recipe names no layers", expected: "layers: [N, M]")
    }
    var group = SpliceGroup(layers: layers)
    group.initialisation = try initialisation(value["init"])
    group.seed = UInt64(try integer("seed", value, 0...Int.max) ?? 0)
    group.steps = try integer("steps", value, 0...1_000_000)
    group.sizing.keyDim = try integer("k_head_dim", value, 1...4096) ?? group.sizing.keyDim
    group.sizing.valueDim = try integer("v_head_dim", value, 1...4096) ?? group.sizing.valueDim
    group.sizing.heads = try integer("heads", value, 1...65536)
    group.donor = value["donor"]?.string
    group.donorLayer = try integer("donor_layer", value, 0...Int.max)
    return group
  }

  private static func initialisation(_ value: JSONValue?) throws -> Splice.Initialisation {
    guard let value else { return .reference }
    guard let word = value.string.flatMap(Splice.Initialisation.init) else {
      throw Problem(
        .invalid, "the recipe names no known strategy",
        expected: Splice.Initialisation.allCases.map(\.rawValue).joined(separator: ", "),
        found: String(value.text(indent: 0).prefix(60)))
    }
    return word
  }

  private static func integer(_ key: String, _ value: JSONValue, _ range: ClosedRange<Int>) throws
    -> Int?
  {
    guard let found = value[key] else { return nil }
    guard let number = found.int, range.contains(number) else {
      throw Problem(
        .invalid, "a value of the recipe is out of range: \(key)",
        expected: "\(range.lowerBound) to \(range.upperBound)",
        found: String(found.text(indent: 0).prefix(60)))
    }
    return number
  }
}
