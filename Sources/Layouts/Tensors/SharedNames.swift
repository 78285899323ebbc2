import Canonical
import Diagnostics
import JSON
import Tensors

/// How layouts know the same carried tensors: one name for all of them, and what each stores in another
/// order.
public struct SharedNames: Hashable, Sendable {
  /// What the shared names begin with, in place of the stored prefix.
  public let prefix: String
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
    let rules = try object.array("reordered")
    guard let prefix = try object.optionalString("as") else {
      guard rules.isEmpty else { throw FormatValue.wrong(.array(rules), "a rule with as") }
      return nil
    }
    self.prefix = prefix
    reordered = try rules.map(Reordered.init)
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
    order = try object.array("order").map(FormatValue.integer)
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

extension LayoutBinding {
  /// A carried tensor as layouts share it: stored name and shape, with one part in the shared order; nil
  /// for a name that is not carried or not shared.
  public func shared(_ name: String, shape: [Int]) -> BoundTensor? {
    guard let carrier = carrier(of: name), let names = carrier.shared else { return nil }
    let end = String(name.dropFirst(carrier.prefix.count))
    let order = names.order(ofName: end, rank: shape.count)
    guard order.count == shape.count else { return nil }
    var whole = shape
    for (place, axis) in order.enumerated() { whole[axis] = shape[place] }
    return Self.bound(name, Role(names.prefix + end), whole, order)
  }

  /// The stored tensor of a shared one; nil where the layout has no place for it.
  public func storing(_ shared: BoundPart) -> BoundTensor? {
    let places = carried.compactMap { carrier in carrier.shared.map { (carrier.prefix, $0) } }
    let place = places.first { shared.role.name.hasPrefix($0.1.prefix) }
    guard let (prefix, names) = place else { return nil }
    let end = String(shared.role.name.dropFirst(names.prefix.count))
    let order = names.order(ofName: end, rank: shared.shape.count)
    guard order.count == shared.shape.count else { return nil }
    return Self.bound(prefix + end, shared.role, shared.shape, order)
  }

  /// The names under which a shared tensor would be stored.
  public func storedNames(ofShared role: Role) -> [String] {
    carried.compactMap { carrier in
      guard let names = carrier.shared, role.name.hasPrefix(names.prefix) else { return nil }
      return carrier.prefix + role.name.dropFirst(names.prefix.count)
    }
  }

  private static func bound(_ name: String, _ role: Role, _ shape: [Int], _ order: [Int])
    -> BoundTensor?
  {
    var builder = TensorBuilder(part: role, shape: shape)
    guard (try? builder.apply(.transpose(order: order), symbols: [:], expert: 0)) != nil else {
      return nil
    }
    return BoundTensor(
      name: name, pieces: [name], shape: builder.shape, parts: builder.parts, storedType: .keep)
  }

  /// What is wrong with the shapes of carried tensors that are shared.
  func sharedProblems(_ stored: StoredHeaders, _ config: JSONValue?, _ file: String) -> [Problem] {
    carried.flatMap { carrier -> [Problem] in
      guard let names = carrier.shared else { return [] }
      return stored.keys.filter { $0.hasPrefix(carrier.prefix) }.sorted().compactMap { name in
        names.problem(
          name, end: String(name.dropFirst(carrier.prefix.count)), shape: stored[name]?.shape ?? [],
          config: config)?.located(.file(file))
      }
    }
  }
}

extension Layout {
  /// What the shared names begin with for which it has a place.
  var sharedPrefixes: Set<String> { Set(carried.compactMap { $0.shared?.prefix }) }
}
