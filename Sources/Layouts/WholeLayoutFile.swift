import Diagnostics
import JSON
import Synchronization

/// A layout file with the rules of the parts that it uses in their places, and where each rule comes from.
struct WholeLayoutFile {
  /// What the file says.
  let value: JSONValue
  /// Where each config key comes from, for messages.
  let keyPlaces: [String]
  /// Where each rule of a tensor comes from, for messages.
  let tensorPlaces: [String]

  /// Fills in parts.
  /// - Throws: `Problem` of kind `invalid` where no part has the list that is used.
  init(_ file: JSONValue, _ parts: LayoutParts) throws {
    keyPlaces = try locating(.place("config")) {
      try Self.places("keys", file["config"]?["keys"], parts)
    }
    tensorPlaces = try Self.places("tensors", file["tensors"], parts)
    try FormatLimits.check(keyPlaces.count, .entries, at: "config.keys")
    try FormatLimits.check(tensorPlaces.count, .entries, at: "tensors")
    value = try parts.composed(file)
  }

  /// A file that is read when the first of its forms is asked for.
  final class Once: Sendable {
    private let file: LayoutFile
    private let parts: LayoutParts
    private let whole = Mutex<WholeLayoutFile?>(nil)

    init(_ file: LayoutFile, _ parts: LayoutParts) { (self.file, self.parts) = (file, parts) }

    /// What the file says.
    /// - Throws: `Problem` of kind `invalid` where it is no JSON, or no part has the list that is used.
    func read() throws -> WholeLayoutFile {
      try whole.withLock { whole in
        if let whole { return whole }
        let read = try WholeLayoutFile(JSONValue(parsing: file.bytes), parts)
        whole = read
        return read
      }
    }
  }

  /// Where each rule of a list comes from.
  private static func places(_ list: String, _ value: JSONValue?, _ parts: LayoutParts) throws
    -> [String]
  {
    guard case .array(let own)? = value else { return [] }
    return try own.enumerated().flatMap { index, value in
      let place = "\(list)[\(index)]"
      return try locating(.place(place)) {
        guard let use = try PartUse(value) else { return [place] }
        let rules = try use.rules(from: parts.all())
        return rules.indices.map { "\(place) (part \(use.name), rule \($0))" }
      }
    }
  }
}
