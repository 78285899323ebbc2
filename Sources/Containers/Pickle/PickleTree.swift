import Tensors

/// A value that is to be written as a pickle: plain data and objects of the classes on the list, so that no
/// pickle of Graft calls anything else.
indirect enum PickleTree: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case real(Double)
  case text(String)
  /// A text that occurs often and is written once.
  case word(String)
  case list([PickleTree])
  case tuple([PickleTree])
  case dictionary([(key: PickleTree, value: PickleTree)])
  case global(PickleGlobal)
  /// What a function or class makes of arguments.
  case call(PickleGlobal, [PickleTree])
  /// An object that is made without arguments and filled with a state.
  case object(PickleGlobal.Known, state: PickleTree?)
  /// What a reader finds by its own means, such as a storage of torch.
  case persistent(PickleTree)
}

extension PickleTree {
  /// An object with attributes.
  static func object(
    _ type: PickleGlobal.Known, _ attributes: KeyValuePairs<String, PickleTree>
  ) -> PickleTree {
    .object(type, state: .dictionary(attributes.map { (key: .word($0.key), value: $0.value) }))
  }

  /// A list of extents as torch keeps it.
  static func size(_ extents: [Int]) -> PickleTree {
    .call(.known(.size), [.tuple(extents.map { .int($0) })])
  }
}

extension PickleGlobal {
  /// The module and the name with which a pickle refers to it; nil for a type that torch has not, and for a
  /// class of which nothing is kept.
  var spelling: (module: Substring, name: Substring)? {
    switch self {
    case .known(let known):
      let words = known.rawValue.split(separator: " ")
      return (words[0], words[1])
    case .storage(nil): return ("torch.storage", "UntypedStorage")
    case .storage(let type?): return type.torchStorage.map { ("torch", $0[...]) }
    case .type(let type): return type.torchType.map { ("torch", $0[...]) }
    case .opaque: return nil
    }
  }
}
