import Diagnostics
import JSON
import Tensors

/// How layouts know the same carried tensors: one name for all of them, and what each stores in another
/// order.
public struct SharedNames: Hashable, Sendable {
  /// What the shared names begin with, in place of the stored prefix.
  public private(set) var prefix: String
  private let template: NameTemplate
  /// The tensors that the layout stores with their axes in another order.
  fileprivate let reordered: [Reordered]

  fileprivate struct Reordered: Hashable, Sendable {
    /// The end of the name, behind the prefix.
    let name: String
    /// Stored axis j is shared axis `order[j]`.
    let order: [Int]
    /// The shared axis whose extent a key of the config gives.
    let axis: Int
    /// That key.
    let key: String
  }

  init?(_ object: inout FormatObject) throws {
    let rules = try object.list("reordered", Reordered.init)
    guard let prefix = try object.optionalString("as") else {
      guard rules.isEmpty else { throw FormatValue.wrong(.string("reordered"), "a rule with as") }
      return nil
    }
    template = try NameTemplate(prefix)
    self.prefix = prefix
    reordered = rules
  }

  /// The same for one layer, or for the model where that is nil.
  func named(layer: Int?) -> Self {
    var named = self
    named.prefix = template.name(layer: layer ?? 0)
    return named
  }

  /// The order of the axes of a stored tensor, as axes of the shared one.
  func order(ofName end: String, rank: Int) -> [Int] {
    rule(end).map { $0.order.count == rank ? $0.order : [] } ?? Array(0..<rank)
  }

  /// What is wrong with the shape of a stored tensor; nil where nothing is.
  func problem(_ name: String, end: String, shape: [Int], config: JSONValue?) -> Problem? {
    guard let rule = rule(end) else { return nil }
    let problem = Problem(
      .invalid, "a tensor has another shape than the config says", tensor: name,
      found: TensorShape.text(shape),
      remedy:
        "check that its axes are in the order of the layout, and that config.json belongs to it")
    guard shape.count == rule.order.count else {
      return problem.expecting("\(rule.order.count) axes")
    }
    let place = rule.order.firstIndex(of: rule.axis) ?? 0
    guard let extent = config?.object?.value(at: rule.key)?.int, shape[place] != extent else {
      return nil
    }
    return problem.expecting("\(extent) on axis \(place), as \(rule.key) says")
  }

  private func rule(_ end: String) -> Reordered? { reordered.first { $0.name == end } }
}

extension SharedNames.Reordered {
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a reordered tensor")
    name = try object.string("name")
    order = try object.list("order", FormatValue.integer)
    axis = try object.integer("axis")
    key = try object.string("key")
    try object.finish()
    guard order.sorted() == Array(order.indices), order.contains(axis) else {
      throw FormatValue.wrong(value, "a permutation and one of its axes")
    }
  }
}

extension Problem {
  fileprivate func expecting(_ text: String) -> Problem {
    var problem = self
    problem.expected = text
    return problem
  }
}
