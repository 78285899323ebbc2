import Containers
import JSON
import Opening
import Tensors

/// What stands beside the weights: configs and other files.
extension CheckpointDiff {
  /// The keys of two configs that differ, with the path to them.
  static func statements(_ a: JSONValue?, _ b: JSONValue?) -> [Statement] {
    let (here, there) = (leaves(a ?? .null, ""), leaves(b ?? .null, ""))
    let values = Dictionary(there, uniquingKeysWith: { first, _ in first })
    let known = Set(here.map(\.0))
    return (here + there.filter { !known.contains($0.0) }).compactMap { key, value in
      let mine: JSONValue? = known.contains(key) ? value : .none
      guard mine != values[key] else { return nil }
      return Statement(
        key: key, here: mine?.text(indent: 0), there: values[key]?.text(indent: 0))
    }
  }

  private static func leaves(_ value: JSONValue, _ path: String) -> [(String, JSONValue)] {
    func place(_ key: String) -> String { path.isEmpty ? key : "\(path)/\(key)" }
    switch value {
    case .object(let object): return object.entries.flatMap { leaves($0.value, place($0.key)) }
    case .array(let items) where items.contains { $0.object != nil }:
      return items.enumerated().flatMap { leaves($0.element, place("\($0.offset)")) }
    default: return path.isEmpty ? [] : [(path, value)]
    }
  }

  /// The files beside the weights, but for `graft.json`: it tells where a checkpoint comes from, not what
  /// it is.
  static func files(_ a: StoredCheckpoint, _ b: StoredCheckpoint) -> [File] {
    let (here, there) = (Set(a.sidecars), Set(b.sidecars))
    return here.union(there).subtracting([Manifest.fileName]).sorted().compactMap { name in
      let file = File(name: name, isHere: here.contains(name), isThere: there.contains(name))
      let isSame = file.isHere && file.isThere && sameBytes(a, b, name)
      return isSame ? nil : file
    }
  }

  private static func sameBytes(_ a: StoredCheckpoint, _ b: StoredCheckpoint, _ name: String)
    -> Bool
  {
    guard let mine = try? MappedFile(a.path(name)), let theirs = try? MappedFile(b.path(name))
    else {
      return false
    }
    return (try? ByteRegion(mine).holdsSameBytes(as: ByteRegion(theirs))) ?? false
  }
}
