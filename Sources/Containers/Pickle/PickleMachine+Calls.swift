import Diagnostics
import Tensors

extension PickleMachine {
  /// Follows an instruction that names, calls or fills something of Python.
  mutating func call(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .global: try global(module: try line(), name: try line())
    case .stackGlobal:
      let name = try pop()
      guard let name = name.text, let module = try pop().text else {
        throw invalid("a global of the pickle has no name", expected: "two texts")
      }
      try global(module: module, name: name)
    case .reduce: try reduce()
    case .newObject: try newObject()
    case .build: try build()
    case .binPersistentID: try storage()
    default: throw refused("opcode \(opcode)")
    }
  }

  private mutating func global(module: String, name: String) throws {
    guard let global = PickleGlobal(module: module, name: name) ?? (dropsForeign ? .opaque : nil)
    else {
      throw ForeignClass.problem(
        module: module, name: name, offset: place, before: reader.bytes[reader.position...])
        ?? refused("global \(module).\(name)")
    }
    push(.global(global))
  }

  /// The function and its arguments; nil where what it makes is dropped.
  private mutating func callee() throws -> (PickleGlobal.Known, [PickleValue])? {
    let arguments = try pop()
    let function = try pop()
    if case .global(.opaque) = function, case .tuple = arguments { return nil }
    guard case .global(.known(let known)) = function, case .tuple(let place) = arguments else {
      throw invalid(
        "the pickle calls \(function.kind) with \(arguments.kind)", expected: "a function, a tuple")
    }
    return (known, heap.tuples[place])
  }

  private mutating func reduce() throws {
    guard let (function, arguments) = try callee() else { return push(.opaque) }
    push(try result(of: function, arguments))
  }

  private mutating func result(of function: PickleGlobal.Known, _ arguments: [PickleValue]) throws
    -> PickleValue
  {
    switch function {
    case .orderedDict: return newDictionary(try pairs(arguments))
    case .dictionaryWithDefault, .attributes, .attributesOfFabric, .attributesBefore:
      return newDictionary([])
    case .size: return try size(arguments)
    case .rebuildTensor, .rebuildTensorV2: return try tensor(arguments, type: nil)
    case .rebuildTensorV3:
      guard arguments.count >= 7, case .global(.type(let type)) = arguments[6] else {
        throw invalid("a tensor of the pickle has no type", expected: "a dtype")
      }
      return try tensor(arguments, type: type)
    case .rebuildParameter, .rebuildParameterWithState: return try parameter(arguments)
    case .rebuildFromType: return try typed(arguments)
    case .counter, .set, .set2, .byteArray, .byteArray2, .complex, .complex2, .encode, .device,
      .layout, .memoryFormat, .scalar, .scalar2, .integer, .real:
      return .other("a plain value")
    case .posixPath, .posixPathLocal: return .other("a path")
    default: return object(function, arguments)
    }
  }

  private mutating func newObject() throws {
    guard let (type, arguments) = try callee() else { return push(.opaque) }
    switch type {
    case .orderedDict, .attributes, .attributesOfFabric, .attributesBefore:
      push(newDictionary([]))
    case .size: push(try size(arguments))
    default: push(object(type, arguments))
    }
  }

  private mutating func object(_ type: PickleGlobal.Known, _ arguments: [PickleValue])
    -> PickleValue
  {
    heap.objects.append(PickledObject(type: type, arguments: arguments))
    return .object(heap.objects.count - 1)
  }

  /// Fills an object; attributes of a dictionary, such as the versions of modules, say nothing here.
  private mutating func build() throws {
    let state = try pop()
    let target = try pop()
    switch target {
    case .object(let place): heap.objects[place].state = state
    case .dictionary, .opaque: break
    case .other, .global: guard dropsForeign else { throw refused("attributes of \(target.kind)") }
    default: throw refused("attributes of \(target.kind)")
    }
    push(target)
  }

  private mutating func pairs(_ arguments: [PickleValue]) throws -> [(
    key: PickleValue, value: PickleValue
  )] {
    guard let list = arguments.first else { return [] }
    let pairs = try elements(list)?.map { heap.elements($0) ?? [] }
    guard let pairs, arguments.count == 1, pairs.allSatisfy({ $0.count == 2 }) else {
      throw invalid("a dictionary of the pickle is not made of pairs", expected: "a list of pairs")
    }
    return pairs.map { (key: $0[0], value: $0[1]) }
  }

  private mutating func size(_ arguments: [PickleValue]) throws -> PickleValue {
    guard let list = arguments.first else { return newTuple([]) }
    guard arguments.count == 1, try numbers(list) != nil else {
      throw invalid("a size of the pickle is not made of numbers", expected: "a tuple of numbers")
    }
    return list
  }
}
