import JSON

/// One key of a config that is set to what the tensors say.
public struct ConfigCorrection: Hashable, Sendable {
  /// The key, below the object that holds it where that is not the config itself.
  public let path: [String]
  /// What it is set to; nil where it goes.
  public let value: JSONValue?
  /// What was wrong.
  public let text: String

  /// A correction of a key.
  public init(_ path: [String], to value: JSONValue?, _ text: String) {
    (self.path, self.value, self.text) = (path, value, text)
  }

  /// The path in words.
  public var key: String { path.joined(separator: "/") }
}

extension JSONValue {
  /// The value at a path; nil where there is none.
  public func value(at path: some Collection<String>) -> JSONValue? {
    guard let first = path.first else { return self }
    return self[first]?.value(at: path.dropFirst())
  }

  /// The config with a key corrected.
  public func corrected(by correction: ConfigCorrection) -> JSONValue {
    setting(correction.path[...], to: correction.value)
  }

  private func setting(_ path: ArraySlice<String>, to value: JSONValue?) -> JSONValue {
    guard let first = path.first, var object else { return value ?? self }
    let inner = object[first] ?? .object([:])
    object[first] = path.count == 1 ? value : inner.setting(path.dropFirst(), to: value)
    return .object(object)
  }
}
