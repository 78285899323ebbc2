import Diagnostics
import Tensors

extension PickleMachine {
  /// A storage: `("storage", class, key, device, count)`, and a view of it in old files.
  mutating func storage() throws {
    let id = try pop()
    guard let parts = heap.elements(id), parts.count >= 5, parts[0].text == "storage",
      case .global(.storage(let type)) = parts[1], let key = parts[2].text,
      let count = parts[4].int, count >= 0
    else { throw invalid("a storage of the pickle has another form", expected: "five values") }
    heap.storages.append(
      PickledStorage(
        type: type, key: key, count: count,
        start: parts.count > 5 ? try viewStart(parts[5]) : 0))
    push(.storage(heap.storages.count - 1))
  }

  /// Where a view begins: `(key, offset, count)`, or nothing.
  private func viewStart(_ value: PickleValue) throws -> Int {
    if case .none = value { return 0 }
    guard let parts = heap.elements(value), parts.count == 3, let start = parts[1].int, start >= 0
    else { throw invalid("a view of a storage has another form", expected: "three values") }
    return start
  }

  /// The most extents of a tensor; torch itself works with no more.
  static let mostExtents = 64

  /// A tensor: `(storage, offset, shape, strides, …)`.
  mutating func tensor(_ arguments: [PickleValue], type: ScalarType?) throws -> PickleValue {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0],
      let offset = arguments[1].int, let shape = try numbers(arguments[2]),
      let strides = try numbers(arguments[3]), shape.count == strides.count,
      shape.count <= Self.mostExtents
    else {
      throw invalid(
        "a tensor of the pickle has another form", expected: "a storage, offset, shape and strides")
    }
    guard let type = type ?? heap.storages[storage].type else {
      throw invalid("a tensor of the pickle has no type", expected: "a storage with a type")
    }
    let stored = heap.storages[storage]
    let (start, overflow) = stored.start.addingReportingOverflow(offset)
    guard !overflow, stored.type == nil || stored.type == type else {
      throw invalid("a tensor of the pickle does not fit its storage", expected: "one type")
    }
    heap.tensors.append(
      PickledTensor(type: type, storage: storage, offset: start, shape: shape, strides: strides))
    return .tensor(heap.tensors.count - 1)
  }

  /// A parameter is its tensor, or its part of one.
  func parameter(_ arguments: [PickleValue]) throws -> PickleValue {
    switch arguments.first {
    case .tensor?, .part?: return arguments[0]
    default: throw invalid("a parameter of the pickle is not a tensor", expected: "a tensor")
    }
  }

  /// A part of a tensor: `(class, type, shape, …)` of the whole, and as state the part and how the ranks
  /// divide the whole.
  private mutating func part(_ whole: [PickleValue], _ state: PickleValue?) throws -> PickleValue {
    let states = state.map { [$0] + (heap.elements($0) ?? []).prefix(2) } ?? []
    let found = states.first { heap.attribute("_local_tensor", of: $0) != nil }
    guard whole.count >= 3, case .global(.type(let type)) = whole[1],
      let shape = try numbers(whole[2]), shape.count <= Self.mostExtents, let found,
      case .tensor(let local)? = heap.attribute("_local_tensor", of: found),
      let spec = heap.attribute("_spec", of: found)
    else {
      throw invalid(
        "a DTensor of the pickle has another form", expected: "its type, shape, part and placement")
    }
    heap.parts.append(PickledPart(type: type, shape: shape, local: local, spec: spec))
    return .part(heap.parts.count - 1)
  }

  /// A tensor with attributes: `(function, class, arguments, state)`.
  mutating func typed(_ arguments: [PickleValue]) throws -> PickleValue {
    guard arguments.count >= 3, case .global(.known(let function)) = arguments[0],
      case .global(.known(let type)) = arguments[1],
      type == .tensorClass || type == .parameterClass || type == .distributedTensor,
      let inner = heap.elements(arguments[2])
    else {
      throw invalid("a tensor of a class that is not read", expected: "torch.Tensor or Parameter")
    }
    switch function {
    case .rebuildTensorV2: return try tensor(inner, type: nil)
    case .rebuildTensorV3:
      guard inner.count >= 7, case .global(.type(let type)) = inner[6] else {
        throw invalid("a tensor of the pickle has no type", expected: "a dtype")
      }
      return try tensor(inner, type: type)
    case .rebuildParameter, .rebuildParameterWithState: return try parameter(inner)
    case .rebuildWrapper:
      return try part(inner, arguments.count > 3 ? arguments[3] : nil)
    default:
      throw invalid("a tensor of the pickle is built otherwise", expected: "_rebuild_tensor_v2")
    }
  }
}
