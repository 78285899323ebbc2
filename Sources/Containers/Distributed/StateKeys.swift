import Diagnostics

/// The keys under which a trainer keeps its model in what it saves, written as `state/model.`: each part that
/// a slash ends is a dictionary, what is left stands before the names.
public struct StateKeys: Hashable, Sendable {
  private let keys: [String]
  private let prefix: String

  /// The model alone, under its own names.
  public static let none = StateKeys(keys: [], prefix: "")

  private init(keys: [String], prefix: String) { (self.keys, self.prefix) = (keys, prefix) }

  /// Reads keys as they are given.
  /// - Throws: `Problem` of kind `usage` where a key has no letters.
  public init(_ text: String) throws {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard !parts.dropLast().contains(""), !text.isEmpty,
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else {
      throw Problem(
        .usage, "not keys of a state", expected: "such as state/model. or model/", found: text,
        remedy: "end each key of a dictionary with a slash, and leave no key empty")
    }
    (keys, prefix) = (parts.dropLast(), parts.last ?? "")
  }

  /// The keys as they are given.
  public var text: String { (keys + [prefix]).joined(separator: "/") }

  /// The keys that lead to a tensor.
  func path(_ name: String) -> [String] { keys + [prefix + name] }
}
