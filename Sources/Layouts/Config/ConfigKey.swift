import JSON

/// Where a value stands in an object of a config: a key, and others that are read where it is missing.
struct ConfigKey: Hashable, Sendable {
  /// The key; `/` leads into nested objects.
  let path: String
  /// Keys that count instead of `path` where they are there.
  let superior: [String]
  /// Keys that are read where `path` is missing.
  let alternatives: [String]
  /// Those of them whose flag says the opposite.
  private let opposites: Set<String>

  init(path: String, superior: [String] = [], alternatives: [String] = []) {
    self.superior = superior
    self.path = path
    self.alternatives = alternatives.map { $0.hasPrefix("!") ? String($0.dropFirst()) : $0 }
    opposites = Set(alternatives.lazy.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) })
  }

  /// Every key that is read, the one that counts first.
  var all: [String] { superior + [path] + alternatives }

  /// The outermost key.
  var top: String { String(path.prefix { $0 != "/" }) }

  /// The value under the first key that is there.
  func value(in object: JSONObject) -> JSONValue? {
    all.lazy.compactMap { key in object.value(at: key).map { flipped($0, at: key) } }.first
  }

  /// The value of a flag as the first key would have it.
  private func flipped(_ value: JSONValue, at key: String) -> JSONValue {
    guard opposites.contains(key), case .bool(let flag) = value else { return value }
    return .bool(!flag)
  }

  /// Puts a value under the key under which an object holds one already, or else the first.
  func put(_ value: JSONValue, into object: inout JSONObject) {
    let key = place(in: object)
    object.set(flipped(value, at: key), at: key)
  }

  /// The same where it is not null.
  func given(in object: JSONObject) -> JSONValue? {
    let value = value(in: object)
    return value == .some(.null) ? nil : value
  }

  /// The key under which an object holds the value already, or else the first.
  func place(in object: JSONObject) -> String {
    all.first { object.value(at: $0) != nil } ?? path
  }

  /// Whether a key is one of these, or begins with one that ends with `*`.
  func covers(_ other: String) -> Bool {
    all.contains { $0.hasSuffix("*") ? other.hasPrefix($0.dropLast()) : other == $0 }
  }
}

extension JSONObject {
  /// The value at a path of keys; nil where a part of the path is missing or no object.
  func value(at path: String) -> JSONValue? {
    path.split(separator: "/").reduce(JSONValue.object(self) as JSONValue?) { value, key in
      guard case .object(let object)? = value else { return nil }
      return object[String(key)]
    }
  }

  /// Puts a value at a path of keys, making objects on the way.
  mutating func set(_ value: JSONValue, at path: String) {
    guard let slash = path.firstIndex(of: "/") else { return self[path] = value }
    let key = String(path[..<slash])
    var inner = JSONObject()
    if case .object(let object)? = self[key] { inner = object }
    inner.set(value, at: String(path[path.index(after: slash)...]))
    self[key] = .object(inner)
  }
}
