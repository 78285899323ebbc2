/// Something that a weight file holds besides the weights of the model.
public struct IgnoredValue: Hashable, Sendable {
  /// What it belongs to, such as `optimizer`; empty for what lies among the tensors of the model.
  public let group: String
  /// Its name.
  public let name: String
  /// What it is, such as `a tensor`.
  public let kind: String

  /// A value by its place; the kind has its article.
  init(_ name: String, _ kind: String, in group: String) {
    (self.name, self.kind, self.group) = (name, kind, group)
  }

  /// Name and kind.
  public var text: String { "\(name) (\(kind))" }

  /// One text for each group: its only value, or how many there are.
  public static func summary(_ values: [IgnoredValue]) -> [String] {
    var groups: [String: [IgnoredValue]] = [:]
    var order: [String] = []
    for value in values {
      if groups[value.group] == nil { order.append(value.group) }
      groups[value.group, default: []].append(value)
    }
    return order.map { group in
      let values = groups[group] ?? []
      if values.count == 1 { return values[0].text }
      let counted = counted(values)
      return group.isEmpty ? counted : "\(group) (\(counted))"
    }
  }

  /// How many tensors and other values there are.
  private static func counted(_ values: [IgnoredValue]) -> String {
    let tensors = values.count { $0.kind == "a tensor" }
    let counts = [(tensors, "tensor"), (values.count - tensors, "value")].filter { $0.0 > 0 }
    return counts.map { "\($0) \($1)\($0 == 1 ? "" : "s")" }.joined(separator: ", ")
  }
}
