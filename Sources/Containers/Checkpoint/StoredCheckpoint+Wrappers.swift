import Diagnostics
import Tensors

/// Names as wrappers of trainers change them; the change is undone where no layout fits the stored names.
extension StoredCheckpoint {
  /// The parts that wrappers of modules insert into names, anywhere.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fp32_params", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    "_forward_module", "_fpw_module",
  ]
  /// The most changes of names that are undone one after the other.
  private static let mostTakenOff = 6

  /// The checkpoint with shorter names: without the parts that wrappers insert, or else without the first
  /// part if all names share it, because trainers save the model as a member of another object; nil where
  /// neither applies.
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

  /// The checkpoint with other names, and without the empty tensors that a wrapper leaves in the place of
  /// those that it moved.
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
