import JSON

extension Layout {
  /// Whether a config calls the model by the name of the layout, or by one that begins with it.
  public func isNamed(by json: JSONValue?) -> Bool {
    detection.config.contains { json?[$0.key]?.string?.hasPrefix(id) == true }
  }

  /// The stored names that no rule gives, whatever the config and the numbers of layers and experts.
  public func strangers(in names: [String]) -> [String] {
    let rules = tensors + (prediction.map { $0.model + $0.layers.joined() } ?? [])
    let weights = rules.flatMap { $0.pieces.isEmpty ? [$0.name] : $0.pieces }.map { $0.name() }
    let scaled = weights.flatMap { scales?.names(of: $0) ?? [] }
    let known = Set((weights + scaled).map(Self.numberless))
    let prefixes = carried.map { Self.numberless($0.prefix.name()) }
    return names.filter { name in
      let name = Self.numberless(name)
      return !known.contains(name) && !prefixes.contains { name.hasPrefix($0) }
    }
  }

  /// A name with a sign in place of each index.
  private static func numberless(_ name: String) -> String {
    name.split(separator: ".", omittingEmptySubsequences: false)
      .map { part in
        guard let sign = part.lastIndex(of: "_") else { return Int(part) == nil ? part : "#" }
        return Int(part[part.index(after: sign)...]) == nil ? part : part[...sign] + "#"
      }.joined(separator: ".")
  }
}
