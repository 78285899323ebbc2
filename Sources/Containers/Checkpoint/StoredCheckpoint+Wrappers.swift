import Diagnostics
import Tensors

/// What wrappers of trainers make of names, taken off again where no layout fits the names as they are.
extension StoredCheckpoint {
  /// What wrappers of modules put between the parts of names, wherever they stand.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fp32_params", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    "_forward_module", "_fpw_module",
  ]
  /// How much is taken off one after the other.
  private static let mostTakenOff = 6

  /// The checkpoint without what a wrapper made of its names: parts inside some of them, or else the
  /// first part that all names have, which is the name of the model in what the trainer saved.
  public var unwrapped: StoredCheckpoint? {
    guard takenOff.count < Self.mostTakenOff else { return nil }
    return withoutWrappers ?? withoutFirstPart
  }

  /// Whether wrappers of modules show in names.
  public var hasWrappers: Bool { !foundWrappers.isEmpty }

  private var foundWrappers: Set<Substring> {
    tensors.reduce(into: []) { $0.formUnion(Self.wrappers.intersection(Self.parts($1.name))) }
  }

  private var withoutWrappers: StoredCheckpoint? {
    let found = foundWrappers
    guard !found.isEmpty else { return nil }
    let list = found.sorted().map { $0 + "." }.joined(separator: ", ")
    return renamed("\(list) is taken out of names") { name in
      Self.parts(name).filter { !found.contains($0) }.joined(separator: ".")
    }
  }

  private var withoutFirstPart: StoredCheckpoint? {
    guard let name = tensors.first?.name, let end = name.firstIndex(of: "."), end > name.startIndex
    else { return nil }
    let prefix = name[...end]
    guard tensors.allSatisfy({ $0.name.hasPrefix(prefix) && $0.name.count > prefix.count }) else {
      return nil
    }
    return renamed("all names begin with \(prefix), which is taken off") {
      String($0.dropFirst(prefix.count))
    }
  }

  private static func parts(_ name: String) -> [Substring] {
    name.split(separator: ".", omittingEmptySubsequences: false)
  }

  /// The checkpoint with other names, and without the tensors without elements that a wrapper left where
  /// it took one away.
  private func renamed(_ clause: String, _ rename: (String) -> String) -> StoredCheckpoint? {
    let filled = Set(tensors.filter { $0.byteCount > 0 }.map { rename($0.name) })
    var stub: String?
    var copy = try? replacing { tensor in
      let renamed = tensor.named(rename(tensor.name))
      guard renamed.byteCount == 0, filled.contains(renamed.name) else { return renamed }
      stub = stub ?? renamed.name
      return nil
    }
    copy?.takenOff.append(clause)
    if let stub {
      copy?.takenOff.append("empty tensors in place of \(stub) and the like are left out")
    }
    return copy
  }
}
