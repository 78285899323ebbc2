import JSON

extension ConfigTable {
  /// What becomes of a key of a config.
  public enum KeyUse: Hashable, Sendable {
    /// It states facts, or a value that would change the model is refused.
    case read
    /// It decides nothing that is computed, for this reason.
    case inert(String)
  }

  /// What becomes of a key, given as a path; nil for one that nobody knows.
  public func use(of key: String) -> KeyUse? { use(of: key, beside: readKeys) }

  private func use(of key: String, beside read: Set<String>) -> KeyUse? {
    if read.contains(key) { return .read }
    return entries.lazy.compactMap { entry -> KeyUse? in
      guard case .inert(let reason) = entry.rule.weight, entry.place.covers(key) else {
        return nil
      }
      return .inert(reason)
    }.first
  }

  /// The keys of a config that the layout does not know, as paths; nothing where the layout does not
  /// list what its readers know.
  func unknownKeys(_ config: JSONValue) -> [String] {
    guard entries.contains(where: \.rule.weight.isInert), let object = try? table(config) else {
      return []
    }
    let read = readKeys
    return object.entries.flatMap { key, value -> [String] in
      if use(of: key, beside: read) != nil { return [] }
      guard read.contains(where: { $0.hasPrefix(key + "/") }) else { return [key] }
      if value == .null { return [] }
      guard case .object(let inner) = value else { return [key] }
      return inner.keys.map { "\(key)/\($0)" }.filter { use(of: $0, beside: read) == nil }
    }
  }

  /// The keys that are read, or refused where they would change the model.
  private var readKeys: Set<String> {
    let stated =
      (nested.map { [$0] } ?? [])
      + entries.flatMap { entry -> [String] in
        if case .inert = entry.rule.weight { return [] }
        return entry.place.all + entry.rule.helperKeys
      }
    return Set(stated).union(intervalKeys).union(typeKeys).union(predictionKey.map { [$0] } ?? [])
  }
}
