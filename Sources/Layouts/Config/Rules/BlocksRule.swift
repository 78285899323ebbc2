import Canonical
import Diagnostics
import JSON

/// `blocks`: one object per layer; a key of it tells kinds apart.
struct BlocksRule: LayerRule {
  static let tellingKeys = ["blocks"]

  let key: ConfigKey
  /// The key of an object that names its kind.
  private let select: String
  private let kinds: [(name: String, content: FactObject)]

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    select = try object.string("select")
    kinds = try object.members("blocks") { name, value in
      var object = try FormatObject(value, "a kind of block")
      let content = try FactObject(&object, pairs)
      try object.finish()
      return (name, content)
    }
  }

  var facts: Set<String> { Set(kinds.flatMap(\.content.facts)) }

  private func kind(of facts: Facts) -> (name: String, content: FactObject)? {
    kinds.first { $0.content.set.agree(with: facts) }
  }

  // MARK: Reading

  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    guard let value = object[key.path] else {
      throw Problem(.invalid, "the config lacks a list of layers", expected: key.path)
    }
    return try ConfigValue.array(value, at: key.path).enumerated().map { layer, block in
      try locating(.layer(layer)) {
        guard case .object(let block) = block else {
          throw ConfigValue.wrongType(block, at: key.path, expected: "an object for each layer")
        }
        return try read(block)
      }
    }
  }

  private func read(_ block: JSONObject) throws -> Facts {
    let name = block[select] ?? .null
    guard let kind = kinds.first(where: { name == .string($0.name) }) else {
      throw Problem(
        .unsupported, "\(key.path): \(select) is not one the layout knows",
        expected: kinds.map(\.name).joined(separator: ", "),
        found: ConfigValue.text(name, at: key.path))
    }
    return try kind.content.read(block)
  }

  // MARK: Writing

  func value(for layers: LayerFacts) -> JSONValue? {
    let blocks = layers.layers.compactMap { block(for: $0) }
    return blocks.isEmpty ? nil : .array(blocks.map { .object($0) })
  }

  /// The object of one layer, its kind where the keys put it or else last; nil where no kind stands
  /// for its facts.
  private func block(for facts: Facts) -> JSONObject? {
    guard let (name, content) = kind(of: facts) else { return nil }
    var block = content.object(for: facts)
    block[select] = .string(name)
    return block
  }

  /// A layer whose kind has changed gets a new object; other objects keep unknown keys.
  func update(_ object: inout JSONObject, from old: LayerFacts, to new: LayerFacts) {
    guard case .array(var blocks)? = object[key.path] else { return }
    for layer in blocks.indices where layer < new.layers.count {
      let (before, after) = (old.layers[layer], new.layers[layer])
      guard case .object(var block) = blocks[layer], let (_, content) = kind(of: after) else {
        continue
      }
      if content.set.agree(with: before) {
        content.update(&block, from: before, to: after)
      } else if let fresh = self.block(for: after) {
        block = fresh
      }
      blocks[layer] = .object(block)
    }
    object[key.path] = .array(blocks)
  }

  func unsaid(_ layers: LayerFacts) -> [UnsaidFacts] {
    layers.layers.enumerated().flatMap { layer, facts -> [UnsaidFacts] in
      guard let (_, content) = kind(of: facts) else {
        return [UnsaidFacts(key: key.path, facts: facts.only(["mixer"]), layer: layer)]
      }
      return content.unsaid(facts, layer: layer)
    }
  }
}
