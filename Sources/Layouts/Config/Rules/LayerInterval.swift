import Canonical
import Diagnostics
import JSON

/// `interval`: every so many layers one is of another kind.
struct LayerInterval: Sendable {
  /// The key that states it; nil where it is fixed.
  let key: String?
  private let standard: Int
  /// The word of layers interval - 1, 2 · interval - 1, …, or of layers 0, interval, …
  private let every: JSONValue
  private let other: JSONValue
  /// Whether layers are counted from the first one on.
  private let isFromFirst: Bool
  /// Whether layers are counted as with `from_first`, and layer 0 is of the other kind all the same.
  private let isBehindFirst: Bool
  /// Whether the last layer is of the kind `every` where no other is.
  private let hasOneAtLeast: Bool
  /// Whether layers behind the last whole interval are of the kind `every`, too.
  private let takesRest: Bool
  /// The type of the interval in typed metadata, where it is written beside the list.
  let type: String?

  init(_ value: JSONValue) throws {
    var rule = try FormatObject(value, "interval")
    key = try rule.optionalString("key")
    standard = try rule.integer("default")
    every = try rule.required("every", FormatValue.word)
    other = try rule.required("other", FormatValue.word)
    isBehindFirst = try rule.flag("behind_first")
    isFromFirst = try rule.flag("from_first") || isBehindFirst
    hasOneAtLeast = try rule.flag("one_at_least")
    takesRest = try rule.flag("rest")
    type = try rule.optional("as", MetadataType.checked)
    try rule.finish()
    guard standard > 0 else { throw FormatValue.wrong(value, "a default of at least 1") }
  }

  /// The words that it gives layers.
  var words: [JSONValue] { [every, other] }

  /// The words of a list that is not written down.
  /// - Throws: `Problem` of kind `invalid` where the config gives no sensible number or interval.
  func words(_ object: JSONObject, _ facts: Facts) throws -> [JSONValue] {
    let interval = try key.flatMap { try object.integer(at: $0, in: 1...) } ?? standard
    guard case .integer(let count)? = facts["layers"], LayerCount.range.contains(count),
      (1...LayerCount.range.upperBound).contains(interval)
    else {
      throw Problem(
        .invalid, "the config gives neither a list of layers nor a sensible number and interval",
        expected: key, found: "\(interval)")
    }
    var words = words(count, every: interval)
    if hasOneAtLeast, !words.contains(every), !words.isEmpty { words[words.count - 1] = every }
    return words
  }

  /// The smallest interval that gives these words; nil where none does.
  func smallest(_ words: [JSONValue]) -> Int? {
    (1...(words.count + 1)).first { self.words(words.count, every: $0) == words }
  }

  /// The words of some layers for one interval.
  private func words(_ count: Int, every interval: Int) -> [JSONValue] {
    let shift = isFromFirst ? 0 : 1
    let whole = takesRest ? count / interval * interval : count
    return (0..<count).map { layer in
      if isBehindFirst, layer == 0 { return other }
      return (layer + shift) % interval == 0 || layer >= whole ? every : other
    }
  }
}
