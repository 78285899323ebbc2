import Diagnostics

/// The state dict of a file of torch: its tensors by name, and what lies beside them.
///
/// Trainers keep it under one of a few keys, beside things such as the state of the optimizer, which
/// are ignored and named. Where there is none of these keys, a dictionary with tensors is the state
/// dict.
struct StateDictionary {
  /// A tensor by its place in the heap, or a rank's part of one by its own.
  enum Held {
    case whole(Int)
    case part(Int)

    fileprivate init?(_ value: PickleValue) {
      switch value {
      case .tensor(let place): self = .whole(place)
      case .part(let place): self = .part(place)
      default: return nil
      }
    }
  }

  /// The tensors by name, in the order of the file.
  private(set) var tensors: [(name: String, held: Held)] = []
  /// What is ignored, named by its keys.
  private(set) var ignored: [IgnoredValue] = []
  private let heap: PickleHeap
  /// Which dictionaries, by place and depth, are known to hold a state dict or not.
  private var known: [[Int]: Bool] = [:]

  private static let keys = ["model", "state_dict", "model_state_dict", "module", "state", "app"]
  /// How deep the state dict may lie.
  private static let mostDepth = 4

  /// Whether a rank holds no more than a part of some tensor.
  var isDivided: Bool { tensors.contains { if case .part = $0.held { true } else { false } } }

  /// Finds the state dict.
  /// - Throws: `Problem` of kind `unsupported` where there is none, or more than one.
  init(_ value: PickleValue, in heap: PickleHeap) throws {
    self.heap = heap
    try search(value, path: [])
  }

  private mutating func search(_ value: PickleValue, path: [String]) throws {
    let inner = stateKeys(value, depth: path.count)
    guard let pairs = heap.pairs(value), holdsState(value, depth: path.count) else {
      throw Self.nothing(path, found: heap.pairs(value).map { Self.list($0) } ?? value.kind)
    }
    guard let key = inner.first, let next = heap.member(key, of: value) else {
      return try read(pairs, path: path)
    }
    guard inner.count == 1 else {
      throw Self.nothing(path, found: inner.joined(separator: ", "))
    }
    ignored += pairs.filter { $0.key.text != key }
      .map { Self.describe($0, path, in: (path + [Self.text($0.key)]).joined(separator: ".")) }
    try search(next, path: path + [key])
  }

  /// The keys under which a dictionary holds a state dict, at most four levels deep.
  private mutating func stateKeys(_ value: PickleValue, depth: Int) -> [String] {
    guard depth < Self.mostDepth else { return [] }
    var found: [String] = []
    for key in Self.keys {
      guard let inner = heap.member(key, of: value) else { continue }
      if holdsState(inner, depth: depth + 1) { found.append(key) }
    }
    return found
  }

  private mutating func holdsState(_ value: PickleValue, depth: Int) -> Bool {
    guard case .dictionary(let place) = value, let pairs = heap.pairs(value) else { return false }
    if let answer = known[[place, depth]] { return answer }
    let answer =
      pairs.contains { Held($0.value) != nil }
      || !stateKeys(value, depth: depth).isEmpty
    known[[place, depth]] = answer
    return answer
  }

  private mutating func read(
    _ pairs: [(key: PickleValue, value: PickleValue)], path: [String]
  ) throws {
    for pair in pairs {
      if let held = Held(pair.value), let name = pair.key.text {
        try StoredName.checkTensor(name)
        tensors.append((name, held))
      } else {
        ignored.append(Self.describe(pair, path, in: path.joined(separator: ".")))
      }
    }
  }

  private static func describe(
    _ pair: (key: PickleValue, value: PickleValue), _ path: [String], in group: String
  ) -> IgnoredValue {
    IgnoredValue((path + [text(pair.key)]).joined(separator: "."), pair.value.kind, in: group)
  }

  private static func text(_ key: PickleValue) -> String {
    key.text ?? key.int.map(String.init) ?? key.kind
  }

  private static func list(_ pairs: [(key: PickleValue, value: PickleValue)]) -> String {
    let shown = pairs.prefix(8).map { text($0.key) } + (pairs.count > 8 ? ["…"] : [])
    return pairs.isEmpty ? "an empty dictionary" : shown.joined(separator: ", ")
  }

  private static func nothing(_ path: [String], found: String) -> Problem {
    let place = path.isEmpty ? "the file" : path.joined(separator: ".")
    return Problem(
      .unsupported, "\(place) leaves open which tensors are the state dict",
      expected: "tensors by name, or one of \(keys.joined(separator: ", ")) that holds them",
      found: found)
  }
}
