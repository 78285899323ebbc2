import Canonical
import Diagnostics
import JSON

/// Config values that say something of every layer: lists, intervals, indices, groups and blocks.
extension ConfigEntry {
  /// The facts that a list with one item per layer states, layer by layer.
  /// - Parameter facts: those of the model, the number of layers among them where a key gives it.
  func readList(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    let count = facts["layers"]
    return switch meaning {
    case .blocks(let select, let kinds): try readBlocks(from: object, select, kinds)
    case .list(let words, let interval, .interval):
      try readWords(interval?.words(object, count) ?? [], words)
    case .list(let words, let interval, .list(let prediction)):
      try readWords(
        withoutPrediction(
          given(in: object).map { try ConfigValue.array($0, at: key) }, prediction,
          facts["mtp.layers"])
          ?? interval?.words(object, count) ?? [], words)
    case .sparse(let step, let experts):
      try readSparse(from: object, step: step, experts: experts, count: count)
    case .indices(let indices): try readIndices(from: object, indices, count: count)
    case .groups(let groups): try readGroups(from: object, groups, count: count)
    case .fact, .cases, .constant, .standard, .rival, .inert, .refused, .object: []
    }
  }

  /// The value under the key where it is there and not null.
  private func given(in object: JSONObject) -> JSONValue? {
    let value = lookup(object)
    return value == .some(.null) ? Optional.none : value
  }

  /// A number of layers for which lists are made up.
  private func layerCount(_ count: FactValue?) throws -> Int {
    guard case .integer(let count)? = count, Interval.layerCounts.contains(count) else {
      throw Problem(.invalid, "the number of layers is out of range", found: count?.text)
    }
    return count
  }

  private func readIndices(from object: JSONObject, _ indices: Indices, count: FactValue?) throws
    -> [Facts]
  {
    guard let value = given(in: object) else { return [] }
    let count = try layerCount(count)
    let named =
      try indices.isCount
      ? Array(0..<min(object.integer(at: key, in: 0...) ?? 0, count))
      : layers(value, first: indices.first, count: count)
    return (0..<count).map { named.contains($0) ? indices.set : indices.others }
  }

  /// The numbers of layers in a list, counted from 0.
  private func layers(_ value: JSONValue, first: Int, count: Int) throws -> [Int] {
    let named = try ConfigValue.integers(value, at: key)
      .map { $0.subtractingReportingOverflow(first).partialValue }
    guard named.allSatisfy((0..<count).contains), Set(named).count == named.count else {
      throw Problem(
        .invalid, "\(key): a layer does not exist or is named twice",
        expected: "numbers from \(first) to \(first + count - 1), each once at most",
        found: value.text(indent: 0))
    }
    return named
  }

  private func readGroups(from object: JSONObject, _ groups: Groups, count: FactValue?) throws
    -> [Facts]
  {
    let value = lookup(object) ?? .null
    if groups.insteadOf != nil, value == .null { return [] }
    let count = try layerCount(count)
    var layers = Array(repeating: groups.others, count: count)
    for group in try ConfigValue.objects(value, at: key) {
      let facts = try groups.kind.entries.reduce(into: groups.kind.set) { facts, entry in
        facts.merge(try entry.read(from: group, known: facts)) { $1 }
      }
      for layer in try ConfigValue.integers(
        group[groups.member] ?? .null, at: "\(key)/\(groups.member)")
      {
        guard layers.indices.contains(layer), layers[layer] == groups.others else {
          throw Problem(
            .invalid, "\(key): a layer does not exist or is named twice", layer: layer)
        }
        layers[layer] = facts
      }
    }
    return layers
  }

  private func readSparse(
    from object: JSONObject, step: String, experts: String, count: FactValue?
  ) throws -> [Facts] {
    let count = try layerCount(count)
    // The original asks only whether a layer is in the list: others in it mean nothing.
    let dense = Set(try given(in: object).map { try ConfigValue.integers($0, at: key) } ?? [])
    let step = try object.integer(at: step, in: 1...) ?? 1
    let hasExperts = try object.integer(at: experts, in: 0...) ?? 0 > 0
    return (0..<count).map { layer in
      let isSparse = hasExperts && !dense.contains(layer) && (layer + 1) % step == 0
      return ["mlp": .word(isSparse ? "moe" : "dense")]
    }
  }

  private func readWords(_ list: [JSONValue], _ words: [(word: JSONValue, facts: Facts)]) throws
    -> [Facts]
  {
    try list.enumerated().map { layer, value in
      guard let match = words.first(where: { value == $0.word }) else {
        throw Problem(
          .unsupported, "\(key): the kind of a layer is not one the layout knows", layer: layer,
          expected: words.map { $0.word.string ?? $0.word.text(indent: 0) }
            .joined(separator: ", "), found: value.text(indent: 0))
      }
      return match.facts
    }
  }

  /// A list without its last words, which stand for layers of multi-token prediction.
  private func withoutPrediction(
    _ list: [JSONValue]?, _ word: JSONValue?, _ count: FactValue?
  ) throws -> [JSONValue]? {
    guard let list, let word, case .integer(let count)? = count, count > 0 else { return list }
    guard list.count >= count, list.suffix(count).allSatisfy({ $0 == word }) else {
      throw Problem(
        .invalid, "\(key): the list does not end with the layers of multi-token prediction",
        expected: "\(count) times \(word.text(indent: 0))",
        found: JSONValue.array(list).text(indent: 0))
    }
    return list.dropLast(count)
  }

  private func readBlocks(
    from object: JSONObject, _ select: String, _ kinds: [(name: String, kind: BlockKind)]
  ) throws -> [Facts] {
    guard let value = object[key] else {
      throw Problem(.invalid, "the config lacks a list of layers", expected: key)
    }
    return try ConfigValue.array(value, at: key).enumerated().map { layer, block in
      try locating(.layer(layer)) {
        guard case .object(let block) = block else {
          throw ConfigValue.wrongType(block, at: key, expected: "an object for each layer")
        }
        return try read(block, select: select, kinds: kinds)
      }
    }
  }

  private func read(
    _ block: JSONObject, select: String, kinds: [(name: String, kind: BlockKind)]
  ) throws -> Facts {
    let name = block[select] ?? .null
    guard let kind = kinds.first(where: { name == .string($0.name) })?.kind else {
      throw Problem(
        .unsupported, "\(key): \(select) is not one the layout knows",
        expected: kinds.map(\.name).joined(separator: ", "), found: text(name))
    }
    return try kind.entries.reduce(into: kind.set) { facts, entry in
      facts.merge(try entry.read(from: block, known: facts)) { $1 }
    }
  }
}

extension ConfigEntry.Interval {
  /// The numbers of layers for which a list is made up.
  static let layerCounts = 0...(1 << 14)

  /// The words of a list that is not written down.
  func words(_ object: JSONObject, _ count: FactValue?) throws -> [JSONValue] {
    let interval = try key.flatMap { try object.integer(at: $0, in: 1...) } ?? standard
    guard case .integer(let count)? = count, Self.layerCounts.contains(count), interval > 0
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
  func words(_ count: Int, every interval: Int) -> [JSONValue] {
    (0..<count).map { ($0 + 1) % interval == 0 ? every : other }
  }
}
