import Diagnostics

/// Follows the instructions of one pickle; it never calls anything.
///
/// Opcodes and globals are those of a closed list. No step keeps more than 84 bytes besides the text it
/// carries, so that the limits bound memory; an instruction that looks at the elements of a collection
/// takes a step for each.
struct PickleMachine {
  private(set) var reader: ByteReader
  var heap = PickleHeap()
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]
  /// Where the instruction being followed begins.
  private(set) var place = 0

  /// The largest pickle that is read.
  /// - Units: bytes.
  static let limit = 128 << 20
  /// The most steps that are taken, enough for 500 000 tensors.
  private let mostSteps: Int
  /// Whether a class that is not on the list makes an object of which nothing is kept.
  let dropsForeign: Bool
  private var steps = 0
  private var start = 0

  /// A pickle inside the bytes of a file.
  init(_ reader: ByteReader, dropsForeign: Bool = false, mostSteps: Int = 1 << 25) {
    self.reader = reader
    self.dropsForeign = dropsForeign
    self.mostSteps = mostSteps
  }

  /// Follows one pickle to its end; what it stored to recall is forgotten then.
  /// - Returns: the value; its parts are in `heap`.
  /// - Throws: `Problem` of kind `invalid` where it contradicts itself, `unsupported` where an opcode
  ///   or a global is not on the list; both say the offset.
  mutating func run() throws -> PickleValue {
    start = reader.position
    (stack, marks, memo, steps) = ([], [], [:], 0)
    while true {
      place = reader.position
      try spend(1)
      guard place - start <= Self.limit else {
        throw invalid("the pickle is too large", expected: "at most \(Self.limit) bytes")
      }
      let code = try reader.next(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw refused("opcode 0x\(String(code, radix: 16))")
      }
      if opcode == .stop { return try pop() }
      try follow(opcode)
    }
  }

  private mutating func spend(_ count: Int) throws {
    // Every value takes bytes where it is written, and far fewer than four steps for each. Only values that
    // are recalled again and again, as a pickle that is built to exhaust its reader does, take more.
    let most = min(mostSteps, 1024 + 4 * (reader.position - start))
    guard count <= most - steps else {
      throw invalid("the pickle is too long", expected: "at most \(most) steps")
    }
    steps += count
  }

  /// The elements of a list or a tuple, each of which takes a step.
  mutating func elements(_ value: PickleValue) throws -> [PickleValue]? {
    guard let elements = heap.elements(value) else { return nil }
    try spend(elements.count)
    return elements
  }

  /// The numbers of a list or a tuple of numbers, each of which takes a step.
  mutating func numbers(_ value: PickleValue) throws -> [Int]? {
    try elements(value) == nil ? nil : heap.numbers(value)
  }

  private mutating func follow(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .protocolVersion: try checkVersion()
    case .frame: _ = try reader.next(UInt64.self)
    case .mark: marks.append(stack.count)
    case .pop: if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .binPut: try put(UInt32(try reader.next(UInt8.self)))
    case .longBinPut: try put(try reader.next())
    case .memoize: try put(UInt32(memo.count))
    case .binGet: try get(UInt32(try reader.next(UInt8.self)))
    case .longBinGet: try get(try reader.next())
    case .append, .appends, .setItem, .setItems, .addItems: try fill(opcode)
    case .global, .stackGlobal, .reduce, .newObject, .build, .binPersistentID: try call(opcode)
    case .emptyList, .emptyDict, .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .emptySet,
      .frozenSet:
      try collect(opcode)
    default: push(try literal(opcode))
    }
  }

  private mutating func checkVersion() throws {
    let version = try reader.next(UInt8.self)
    guard (2...5).contains(version) else { throw refused("protocol \(version)") }
  }

  private mutating func put(_ key: UInt32) throws {
    guard stack.count > marks.last ?? 0, let value = stack.last else { throw underflow }
    memo[key] = value
  }

  private mutating func get(_ key: UInt32) throws {
    guard let value = memo[key] else {
      throw invalid("the pickle recalls what it did not store", expected: "a stored value")
    }
    push(value)
  }
}

extension PickleMachine {
  mutating func push(_ value: PickleValue) { stack.append(value) }

  mutating func pop() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else { throw underflow }
    return value
  }

  mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw underflow }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  /// Reads bytes that an instruction carries.
  mutating func argument<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
    try reader.next(type)
  }

  mutating func text(_ count: some BinaryInteger) throws -> String { try reader.text(count) }

  mutating func skip(_ count: some BinaryInteger) throws { _ = try reader.take(count) }

  /// A line of text, without its end.
  mutating func line() throws -> String {
    let rest = reader.bytes[reader.position...].prefix(256)
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw invalid("a name in the pickle has no end", expected: "at most 255 bytes")
    }
    let line = try reader.text(end - reader.position)
    try skip(1)
    return line
  }

  var underflow: Problem {
    invalid("the pickle takes more values than there are", expected: "a value")
  }

  /// A pickle that contradicts itself at this instruction.
  func invalid(_ what: String, expected: String) -> Problem {
    Problem(.invalid, what, expected: expected, found: "at offset \(place)")
  }

  /// A pickle that asks for something outside of the list.
  func refused(_ what: String) -> Problem {
    Problem(
      .unsupported, "a pickle with more than tensors and plain values",
      expected: "opcodes and globals of state dicts", found: "\(what) at offset \(place)",
      remedy: "save the state dict alone, with torch.save(model.state_dict(), …)")
  }
}
