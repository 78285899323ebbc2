import Canonical
import Diagnostics
import JSON

/// `list`: one word per layer, or an interval in its place.
struct WordsRule: LayerRule {
  static let tellingKeys = ["list"]

  let key: ConfigKey
  /// The words and the facts that each of them stands for.
  private let words: [(word: JSONValue, facts: Facts)]
  /// The rule for a missing list.
  let interval: LayerInterval?
  /// The words that layers have in turn where the list is missing; none where an interval says it.
  private let pattern: [JSONValue]
  /// Whether the interval alone is written, under the key; reading knows no list then.
  private let isInterval: Bool
  /// The word for each layer of multi-token prediction, with which the list goes on.
  private let prediction: JSONValue?
  /// How the list is spelled as one text; nil for a list of words.
  private let spelling: LayerSpelling?

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    words = try Self.words(&object)
    interval = try object.optional("interval", LayerInterval.init)
    pattern = try object.list("pattern", FormatValue.word)
    prediction = try object.optional("prediction", FormatValue.word)
    isInterval = try object.flag("only_interval")
    spelling = try object.optional("letters", LayerSpelling.init)
    let known = words.map(\.word)
    for word in (interval?.words ?? []) + pattern + [prediction].compactMap(\.self)
    where !known.contains(word) {
      throw FormatValue.wrong(word, "a word of the list")
    }
    guard !isInterval || interval?.key == key.path else {
      throw FormatValue.wrong(
        .string(interval?.key ?? "no key"), "an interval with the key \(key.path)"
      ).located(.place("interval"))
    }
  }

  /// The words of a list: an object, or pairs `[word, facts]` where words are whole numbers.
  private static func words(_ object: inout FormatObject) throws -> [(JSONValue, Facts)] {
    guard case .array = try object.required("list") else {
      return try object.members("list") {
        (try FormatValue.word(.string($0)), try FormatValue.facts($1))
      }
    }
    return try object.list("list") {
      let pair = try ValueCase($0)
      return (try FormatValue.word(pair.value), pair.facts)
    }
  }

  var facts: Set<String> { Set(words.flatMap(\.facts.keys)) }

  // MARK: Reading

  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    if !isInterval, let list = try list(in: object, facts) { return try read(list) }
    guard !pattern.isEmpty else { return try read(interval?.words(object, facts) ?? []) }
    return try read((0..<LayerCount.checked(facts)).map { pattern[$0 % pattern.count] })
  }

  /// The list without its last words, which stand for layers of multi-token prediction.
  private func list(in object: JSONObject, _ facts: Facts) throws -> [JSONValue]? {
    guard let value = key.given(in: object) else { return nil }
    if interval?.key == key.path, value.int != nil { return nil }
    if let spelling { return try spelling.words(value, at: key.path) }
    let list = try ConfigValue.array(value, at: key.path)
    guard let prediction, case .integer(let count)? = facts["mtp.layers"], count > 0 else {
      return list
    }
    guard list.count >= count, list.suffix(count).allSatisfy({ $0 == prediction }) else {
      throw Problem(
        .invalid, "\(key.path): the list does not end with the layers of multi-token prediction",
        expected: "\(count) times \(prediction.text(indent: 0))",
        found: JSONValue.array(list).text(indent: 0))
    }
    return list.dropLast(count)
  }

  private func read(_ list: [JSONValue]) throws -> [Facts] {
    try list.enumerated().map { layer, value in
      guard let match = words.first(where: { value == $0.word }) else {
        throw Problem(
          .unsupported, "\(key.path): the kind of a layer is not one the layout knows",
          layer: layer,
          expected: words.map { $0.word.string ?? $0.word.text(indent: 0) }
            .joined(separator: ", "), found: value.text(indent: 0))
      }
      return match.facts
    }
  }

  // MARK: Writing

  func value(for layers: LayerFacts) -> JSONValue? {
    let list = nearest(layers)
    if isInterval { return interval?.smallest(list).map { JSONValue($0) } }
    if let spelling { return spelling.text(list, predictions: predictions(layers)) }
    return .array(
      list + (prediction.map { Array(repeating: $0, count: layers.predictions) } ?? []))
  }

  /// The word of each layer of multi-token prediction, which is like the first one with attention.
  private func predictions(_ layers: LayerFacts) -> [JSONValue] {
    let like = layers.layers.first { $0["mixer"] == .word("attention") }
    let word = like.flatMap { facts in
      words.min { $0.facts.distance(to: facts) < $1.facts.distance(to: facts) }?.word
    }
    return word.map { Array(repeating: $0, count: layers.predictions) } ?? []
  }

  /// The nearest word of every layer.
  private func nearest(_ layers: LayerFacts) -> [JSONValue] {
    layers.layers.compactMap { facts in
      words.min { $0.facts.distance(to: facts) < $1.facts.distance(to: facts) }?.word
    }
  }

  /// Writes the list, and the interval beside it where the layout does and the layers follow one.
  func write(_ layers: LayerFacts, into object: inout JSONObject) {
    guard let value = value(for: layers) else { return }
    object.set(value, at: key.path)
    guard !isInterval, let interval, interval.type != nil, let key = interval.key,
      let number = interval.smallest(nearest(layers))
    else { return }
    object.set(JSONValue(number), at: key)
  }

  /// A missing list follows from the interval, and stays missing when only the number of layers of
  /// multi-token prediction changes.
  func update(_ object: inout JSONObject, from old: LayerFacts, to new: LayerFacts) {
    let place = key.place(in: object)
    let isSame = nearest(old) == nearest(new)
    guard let after = value(for: new), value(for: old) != after, !isSame || object[place] != nil
    else { return }
    object[place] = after
  }

  func unsaid(_ layers: LayerFacts) -> [UnsaidFacts] {
    if isInterval, value(for: layers) == nil {
      let facts: Facts = ["mixer": .word("in no regular interval")]
      return [UnsaidFacts(key: key.path, facts: facts, layer: nil)]
    }
    return UnsaidFacts.keeping(layers.layers, from: words.map(\.facts), at: key)
  }
}
