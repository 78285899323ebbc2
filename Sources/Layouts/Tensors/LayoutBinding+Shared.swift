import Canonical
import Diagnostics
import JSON
import Tensors

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
      return stored.names.filter { $0.hasPrefix(carrier.prefix) }.sorted().compactMap { name in
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
