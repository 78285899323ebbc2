/// What a tensor is in the canonical model, whatever a layout calls it.
public struct Role: Hashable, Sendable, CustomStringConvertible {
  /// The kind of tensor, a key of `RoleTable`, such as `gdn.A_log`.
  public let name: String
  /// The layer, for tensors of a layer.
  public let layer: Int?
  /// The expert, for tensors of an expert.
  public let expert: Int?

  /// A role by name, layer and expert.
  public init(_ name: String, layer: Int? = nil, expert: Int? = nil) {
    self.name = name
    self.layer = layer
    self.expert = expert
  }

  /// Hashes what tells the hundreds of thousands of roles of experts apart, and of the name, of which there are few,
  /// only its length.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(layer ?? -1)
    hasher.combine(expert ?? -1)
    hasher.combine(name.utf8.count)
  }

  /// The role in words.
  public var description: String {
    name + (layer.map { " of layer \($0)" } ?? "") + (expert.map { ", expert \($0)" } ?? "")
  }
}
