import Canonical
import JSON
import Layouts

/// A config with one value at a time exchanged for one that nobody can mean.
struct ConfigSweep {
  let layout: Layout
  let config: JSONValue

  /// What a config says; nil where it is refused.
  private struct Reading: Equatable {
    let configuration: ModelConfiguration
    let quantisation: Quantisation?
    let predictions: Int?
  }

  private func reading(_ config: JSONValue) -> Reading? {
    guard let configuration = try? layout.configuration(from: config),
      let quantisation = try? Optional.some(layout.quantisation(from: config))
    else { return nil }
    return Reading(
      configuration: configuration, quantisation: quantisation,
      predictions: layout.predictionLayers(claimedBy: config))
  }

  /// The keys that decide something, and the exchanges that changed nothing or were taken for a missing
  /// key.
  func run() -> (deciding: Int, ignored: [String]) {
    let base = reading(config)
    var deciding = 0
    var ignored: [String] = []
    for path in Self.paths(in: config) {
      let value = config.value(at: path[...])
      let without = reading(config.setting(nil, at: path[...]))
      let others = Self.others(value).map { reading(config.setting($0, at: path[...])) }
      guard without != base || others.contains(where: { $0 != base }) else { continue }
      deciding += 1
      for odd in Self.oddities(value) {
        guard let taken = reading(config.setting(odd, at: path[...])) else { continue }
        let isNumber = value.number != nil && odd.number != nil
        if !isNumber || taken == base || taken == without {
          ignored.append("\(path.joined(separator: "/")): \(odd.text(indent: 0))")
        }
      }
    }
    return (deciding, ignored)
  }

  /// The paths of all members of objects and of the first and last element of lists.
  private static func paths(in value: JSONValue) -> [[String]] {
    let inner: [(String, JSONValue)]
    switch value {
    case .object(let object): inner = object.entries.map { ($0.key, $0.value) }
    case .array(let items):
      inner = Set([0, items.count - 1]).filter(items.indices.contains).sorted()
        .map { (String($0), items[$0]) }
    default: return []
    }
    return inner.flatMap { key, value in [[key]] + paths(in: value).map { [key] + $0 } }
  }

  /// Values that could be meant, to find out whether a key decides anything.
  private static func others(_ value: JSONValue) -> [JSONValue] {
    switch value {
    case .bool(let flag): [.bool(!flag)]
    case .integer(let number): [.integer(number + 1)]
    case .double(let number, _): [JSONValue(number / 2)]
    default: []
    }
  }

  /// Values that nobody means.
  private static func oddities(_ value: JSONValue) -> [JSONValue] {
    switch value {
    case .null: ["x", ["x"]]
    case .bool: [1, "true", [value], [:]]
    case .string: [7, true, [value], [:]]
    case .array: ["x", true, 7, [7.5], [["x": 1]]]
    case .object: ["x", true, 7, [7]]
    case .integer, .unsigned, .double, .notFinite:
      ["x", .string(value.text(indent: 0)), true, [value], [:], -3, 2.37, 1e30]
        + JSONDialect.NotFinite.allCases.map(JSONValue.notFinite)
        + [.integer(.max), .unsigned(.max)]
    }
  }
}

extension JSONValue {
  fileprivate func value(at path: ArraySlice<String>) -> JSONValue {
    guard let key = path.first else { return self }
    let inner = Int(key).flatMap { array?[$0] } ?? self[key] ?? .null
    return inner.value(at: path.dropFirst())
  }

  /// The document with another value at a path, or without it.
  fileprivate func setting(_ value: JSONValue?, at path: ArraySlice<String>) -> JSONValue {
    guard let key = path.first else { return value ?? .null }
    let rest = path.dropFirst()
    var copy = self
    if case .array(var items) = self, let index = Int(key) {
      if rest.isEmpty, value == nil {
        items.remove(at: index)
      } else {
        items[index] = items[index].setting(value, at: rest)
      }
      return .array(items)
    }
    copy[key] = rest.isEmpty ? value : (self[key] ?? .null).setting(value, at: rest)
    return copy
  }
}
