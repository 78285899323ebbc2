import Diagnostics
import Tensors

/// Takes the objects of `.metadata` apart.
struct DistributedReader {
  /// What `.metadata` finds a piece by: the tensor and where the piece begins in it.
  struct PieceKey: Hashable {
    let name: String
    let offsets: [Int]
  }

  private let heap: PickleHeap
  /// How many numbers and pieces may still be taken, because a pickle can name one list many times.
  private var allowance = 1 << 24

  init(_ heap: PickleHeap) { self.heap = heap }

  /// The saved values by name.
  func values(_ root: PickleValue) throws -> [(name: String, value: PickleValue)] {
    guard let state = heap.state(of: root, .metadata),
      let pairs = pairs("state_dict_metadata", state)
    else { throw other("an object Metadata") }
    return try pairs.map { pair in
      guard let name = pair.key.text else { throw other("names of values") }
      try StoredName.checkTensor(name)
      return (name, pair.value)
    }
  }

  /// The keys that led to each value before names were made of them.
  mutating func paths(_ root: PickleValue) throws -> [String: [String]] {
    guard let state = heap.state(of: root, .metadata), let pairs = pairs("planner_data", state)
    else {
      return [:]
    }
    var paths: [String: [String]] = [:]
    for pair in pairs {
      try spend(heap.elements(pair.value)?.count ?? 0)
      let keys = heap.elements(pair.value)?.map { $0.text ?? $0.int.map(String.init) }
      guard let name = pair.key.text, let keys, !keys.isEmpty, keys.allSatisfy({ $0 != nil }) else {
        throw other("paths of keys")
      }
      paths[name] = keys.compactMap(\.self)
    }
    return paths
  }

  /// Where the pieces of tensors are, and the other values by name.
  mutating func places(_ root: PickleValue) throws -> (
    pieces: [PieceKey: DistributedMetadata.StoredPlace],
    objects: [String: DistributedMetadata.StoredPlace]
  ) {
    guard let state = heap.state(of: root, .metadata), let pairs = pairs("storage_data", state)
    else {
      throw other("places of pieces")
    }
    var places: [PieceKey: DistributedMetadata.StoredPlace] = [:]
    var objects: [String: DistributedMetadata.StoredPlace] = [:]
    for pair in pairs {
      guard let index = heap.state(of: pair.key, .metadataIndex),
        let name = heap.member("fqn", of: index)?.text
      else { throw other("an index of a piece") }
      guard let offsets = try heap.member("offset", of: index).flatMap({ try numbers($0) }) else {
        objects[name] = try place(pair.value)
        continue
      }
      places[PieceKey(name: name, offsets: offsets)] = try place(pair.value)
    }
    return (places, objects)
  }

  private func place(_ value: PickleValue) throws -> DistributedMetadata.StoredPlace {
    guard let info = heap.state(of: value, .storageInfo),
      let fileName = heap.member("relative_path", of: info)?.text,
      let offset = heap.member("offset", of: info)?.int,
      let length = heap.member("length", of: info)?.int, offset >= 0, length >= 0
    else { throw other("the place of a piece") }
    if let transforms = heap.member("transform_descriptors", of: info) {
      guard case .none = transforms else {
        throw Problem(.unsupported, "pieces that were transformed when they were saved")
      }
    }
    try StoredName.checkFile(fileName)
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow else { throw other("a place of at most 63 bits") }
    return DistributedMetadata.StoredPlace(fileName: fileName, range: offset..<end)
  }

  /// A tensor and its pieces; nil for another value.
  mutating func tensor(_ value: PickleValue) throws -> (
    type: ScalarType, shape: [Int], chunks: [(offsets: [Int], shape: [Int])]
  )? {
    if heap.state(of: value, .bytesMetadata) != nil || isObject(value, .bytesMetadata) {
      return nil
    }
    guard let state = heap.state(of: value, .tensorMetadata),
      let properties = heap.member("properties", of: state), let type = type(properties),
      let shape = try heap.member("size", of: state).flatMap({ try numbers($0) }),
      let chunks = heap.member("chunks", of: state).flatMap(heap.elements)
    else { throw other("a tensor with type, size and pieces") }
    try spend(chunks.count)
    return (type, shape, try chunks.map { try chunk($0) })
  }

  private func type(_ properties: PickleValue) -> ScalarType? {
    guard let state = heap.state(of: properties, .tensorProperties),
      case .global(.type(let type))? = heap.elements(state)?.first
        ?? heap.member("dtype", of: state)
    else { return nil }
    return type
  }

  private mutating func chunk(_ value: PickleValue) throws -> (offsets: [Int], shape: [Int]) {
    guard let state = heap.state(of: value, .chunkMetadata),
      let offsets = try heap.member("offsets", of: state).flatMap({ try numbers($0) }),
      let shape = try heap.member("sizes", of: state).flatMap({ try numbers($0) })
    else { throw other("a piece with offsets and sizes") }
    return (offsets, shape)
  }

  private func isObject(_ value: PickleValue, _ type: PickleGlobal.Known) -> Bool {
    if case .object(let place) = value { heap.objects[place].type == type } else { false }
  }

  private mutating func numbers(_ value: PickleValue) throws -> [Int]? {
    try spend(heap.elements(value)?.count ?? 0)
    return heap.numbers(value)
  }

  private mutating func spend(_ count: Int) throws {
    guard count <= allowance else { throw other("fewer pieces") }
    allowance -= count
  }

  private func pairs(_ key: String, _ state: PickleValue) -> [(
    key: PickleValue, value: PickleValue
  )]? {
    heap.member(key, of: state).flatMap(heap.pairs)
  }

  private func other(_ expected: String) -> Problem {
    Problem(.invalid, "not the metadata of torch.distributed.checkpoint", expected: expected)
  }
}
