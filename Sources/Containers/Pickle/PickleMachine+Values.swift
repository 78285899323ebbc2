import Diagnostics

extension PickleMachine {
  /// A value that the instruction itself carries.
  mutating func literal(_ opcode: PickleOpcode) throws -> PickleValue {
    switch opcode {
    case .none: return .none
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .binInt: return .int(Int(try argument(Int32.self)))
    case .binInt1: return .int(Int(try argument(UInt8.self)))
    case .binInt2: return .int(Int(try argument(UInt16.self)))
    case .long1: return try long(Int(try argument(UInt8.self)))
    case .long4: return try long(Int(try argument(Int32.self)))
    case .binFloat:
      return .real(Double(bitPattern: UInt64(bigEndian: try argument(UInt64.self))))
    case .shortBinString: return .text(try text(argument(UInt8.self)))
    case .binString: return .text(try text(argument(Int32.self)))
    case .shortBinUnicode: return .text(try text(argument(UInt8.self)))
    case .binUnicode: return .text(try text(argument(UInt32.self)))
    case .binUnicode8: return .text(try text(argument(UInt64.self)))
    case .shortBinBytes: return try bytes(argument(UInt8.self))
    case .binBytes: return try bytes(argument(UInt32.self))
    case .binBytes8, .byteArray8: return try bytes(argument(UInt64.self))
    default: throw refused("opcode \(opcode)")
    }
  }

  private mutating func bytes(_ count: some BinaryInteger) throws -> PickleValue {
    try skip(count)
    return .other("bytes")
  }

  /// A number of any width in two's complement; those that do not fit 64 bits have no use here.
  private mutating func long(_ count: Int) throws -> PickleValue {
    guard (0...8).contains(count) else {
      try skip(count)
      return .other("a number of more than 64 bits")
    }
    var value: UInt64 = 0
    var last: UInt8 = 0
    for index in 0..<count {
      last = try argument(UInt8.self)
      value |= UInt64(last) << (8 * index)
    }
    if last & 0x80 != 0, count < 8 { value |= UInt64.max << (8 * count) }
    return .int(Int(Int64(bitPattern: value)))
  }

  /// Makes a collection, of what lies on the stack or empty.
  mutating func collect(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .emptyList: push(newList([]))
    case .emptyDict: push(newDictionary([]))
    case .emptySet: push(newList([]))
    case .frozenSet:
      _ = try popToMark()
      push(.other("a set"))
    case .emptyTuple: push(newTuple([]))
    case .tuple: push(newTuple(try popToMark()))
    case .tuple1: push(newTuple([try pop()]))
    case .tuple2: push(newTuple([try pop(), try pop()].reversed()))
    case .tuple3: push(newTuple([try pop(), try pop(), try pop()].reversed()))
    default: throw refused("opcode \(opcode)")
    }
  }

  /// Puts values into a collection.
  mutating func fill(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .append: try append([try pop()])
    case .appends, .addItems: try append(try popToMark())
    case .setItem:
      let value = try pop()
      try set([try pop(), value])
    case .setItems: try set(try popToMark())
    default: throw refused("opcode \(opcode)")
    }
  }

  private mutating func append(_ values: [PickleValue]) throws {
    let target = try pop()
    if case .opaque = target { return push(target) }
    guard case .list(let place) = target else {
      throw invalid("the pickle appends to \(target.kind)", expected: "a list")
    }
    heap.lists[place] += values
    push(target)
  }

  private mutating func set(_ values: [PickleValue]) throws {
    let target = try pop()
    if case .opaque = target { return push(target) }
    guard case .dictionary(let place) = target, values.count % 2 == 0 else {
      throw invalid(
        "the pickle puts \(values.count) values into \(target.kind)",
        expected: "keys and values, and a dictionary")
    }
    for index in stride(from: 0, to: values.count, by: 2) {
      heap.dictionaries[place].append((key: values[index], value: values[index + 1]))
    }
    push(target)
  }

  mutating func newList(_ values: [PickleValue]) -> PickleValue {
    heap.lists.append(values)
    return .list(heap.lists.count - 1)
  }

  mutating func newTuple(_ values: [PickleValue]) -> PickleValue {
    heap.tuples.append(values)
    return .tuple(heap.tuples.count - 1)
  }

  mutating func newDictionary(_ pairs: [(key: PickleValue, value: PickleValue)]) -> PickleValue {
    heap.dictionaries.append(pairs)
    return .dictionary(heap.dictionaries.count - 1)
  }
}
