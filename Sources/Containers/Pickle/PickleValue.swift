import Tensors

/// A value of a pickle. Those that hold others are numbers of places in a `PickleHeap`, so that no
/// pickle makes a chain of references that has to be walked to be freed.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case real(Double)
  case text(String)
  case list(Int)
  case tuple(Int)
  case dictionary(Int)
  case object(Int)
  case storage(Int)
  case tensor(Int)
  case part(Int)
  case global(PickleGlobal)
  /// An object of a class that says nothing here; whatever is put into it is dropped.
  case opaque
  /// A value that no checkpoint needs, such as bytes.
  case other(StaticString)

  /// What the value is, for messages.
  var kind: String {
    switch self {
    case .none: "nothing"
    case .bool: "a flag"
    case .int: "a number"
    case .real: "a number with a fraction"
    case .opaque: "an object of a class that is not read"
    case .text: "a text"
    case .list: "a list"
    case .tuple: "a tuple"
    case .dictionary: "a dictionary"
    case .object: "an object"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .part: "a part of a tensor"
    case .global: "a name"
    case .other(let kind): "\(kind)"
    }
  }

  var int: Int? { if case .int(let value) = self { value } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// Bytes that a pickle refers to.
struct PickledStorage {
  /// The type of the elements; nil for plain bytes.
  let type: ScalarType?
  /// The name under which the bytes are found.
  let key: String
  /// The number of elements of the whole storage.
  let count: Int
  /// Where a view of the storage begins.
  /// - Units: elements.
  let start: Int
}

/// A tensor as a pickle describes it: a view of a storage, not yet checked against it.
struct PickledTensor {
  let type: ScalarType
  /// The place of the storage in the heap.
  let storage: Int
  /// - Units: elements.
  let offset: Int
  let shape: [Int]
  /// - Units: elements.
  let strides: [Int]
}

/// A tensor of which a rank holds a part, as a pickle describes it: a DTensor of torch.
struct PickledPart {
  let type: ScalarType
  /// The extents of the whole.
  let shape: [Int]
  /// The place of the tensor that the rank holds.
  let local: Int
  /// What says how the ranks divide the whole.
  let spec: PickleValue
}

/// An object of a class on the list and what it was filled with.
struct PickledObject {
  let type: PickleGlobal.Known
  let arguments: [PickleValue]
  var state: PickleValue = .none
}

/// Everything that the values of one pickle refer to.
struct PickleHeap {
  var lists: [[PickleValue]] = []
  var tuples: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var objects: [PickledObject] = []
  var storages: [PickledStorage] = []
  var tensors: [PickledTensor] = []
  var parts: [PickledPart] = []

  /// The elements of a list or a tuple.
  func elements(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .list(let place): lists[place]
    case .tuple(let place): tuples[place]
    default: nil
    }
  }

  /// The numbers of a list or a tuple of numbers.
  func numbers(_ value: PickleValue) -> [Int]? {
    guard let elements = elements(value) else { return nil }
    let numbers = elements.compactMap(\.int)
    return numbers.count == elements.count ? numbers : nil
  }

  /// The pairs of a dictionary.
  func pairs(_ value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
    if case .dictionary(let place) = value { dictionaries[place] } else { nil }
  }

  /// The most attributes of an object; a dictionary that is shared is searched for every object.
  private static let mostAttributes = 64

  /// What an object of that class was filled with; nil for other values.
  func state(of value: PickleValue, _ type: PickleGlobal.Known) -> PickleValue? {
    guard case .object(let place) = value, objects[place].type == type else { return nil }
    return isSmall(objects[place].state) ? objects[place].state : nil
  }

  /// The value of an attribute among those with which an object was filled.
  func attribute(_ key: String, of state: PickleValue) -> PickleValue? {
    isSmall(state) ? member(key, of: state) : nil
  }

  private func isSmall(_ state: PickleValue) -> Bool {
    pairs(state)?.count ?? 0 <= Self.mostAttributes
  }

  /// The value of a text key of a dictionary.
  func member(_ key: String, of value: PickleValue) -> PickleValue? {
    pairs(value)?.last { $0.key.text == key }?.value
  }
}
