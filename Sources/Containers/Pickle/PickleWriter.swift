import Diagnostics

/// Writes pickles of protocol 2, which every Python 3 and every release of torch reads.
struct PickleWriter {
  private var bytes: [UInt8] = []
  /// Where names and words that were written already are found again; nil where each is written anew.
  private var memo: [String: Int]?

  /// Begins a pickle.
  /// - Parameter remembers: whether names and words that occur again are written once.
  init(remembers: Bool = true) {
    memo = remembers ? [:] : nil
    put(.protocolVersion)
    bytes.append(2)
  }

  /// The pickle of one value.
  /// - Throws: `Problem` of kind `unsupported` where a reader would refuse it for its size.
  static func bytes(of tree: PickleTree) throws -> [UInt8] {
    var writer = PickleWriter()
    writer.add(tree)
    return try writer.finished()
  }

  /// Ends the pickle.
  /// - Throws: `Problem` of kind `unsupported` where a reader would refuse it for its size.
  consuming func finished() throws -> [UInt8] {
    put(.stop)
    guard bytes.count <= PickleMachine.limit else {
      throw Problem(
        .unsupported, "the pickle that describes the tensors would be too large",
        expected: "at most \(PickleMachine.limit) bytes", found: "\(bytes.count) bytes",
        remedy: "use more shards")
    }
    return bytes
  }

  /// Appends a value.
  mutating func add(_ tree: PickleTree) {
    switch tree {
    case .none: put(.none)
    case .bool(let value): put(value ? .newTrue : .newFalse)
    case .int(let value): add(value)
    case .real(let value): add(value)
    case .text(let value): add(value)
    case .word(let value): remembering("\"" + value) { $0.add(value) }
    case .list(let elements): add(elements)
    case .tuple(let elements): add(tuple: elements)
    case .dictionary(let pairs):
      dictionary(pairs) { writer, pair in
        writer.add(pair.key)
        writer.add(pair.value)
      }
    case .global(let global): add(global)
    case .call(let global, let arguments):
      add(global)
      if arguments.isEmpty { put(.emptyTuple) } else { add(tuple: arguments) }
      put(.reduce)
    case .object(let type, let state): add(type, state)
    case .persistent(let id):
      add(id)
      put(.binPersistentID)
    }
  }

  /// Appends a dictionary, pair by pair, so that not all of them need be there at once.
  /// - Parameter add: appends key and value.
  mutating func dictionary<Pairs: Sequence>(
    _ pairs: Pairs, _ add: (inout PickleWriter, Pairs.Element) throws -> Void
  ) rethrows {
    put(.emptyDict)
    put(.mark)
    for pair in pairs { try add(&self, pair) }
    put(.setItems)
  }

  /// Appends an object whose attributes `attributes` appends as a dictionary.
  mutating func object(
    _ type: PickleGlobal.Known, _ attributes: (inout PickleWriter) throws -> Void
  ) rethrows {
    add(.known(type))
    put(.emptyTuple)
    put(.newObject)
    try attributes(&self)
    put(.build)
  }
}

extension PickleWriter {
  private mutating func put(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

  private mutating func add(_ type: PickleGlobal.Known, _ state: PickleTree?) {
    add(.known(type))
    put(.emptyTuple)
    put(.newObject)
    guard let state else { return }
    add(state)
    put(.build)
  }

  private mutating func add(_ elements: [PickleTree]) {
    put(.emptyList)
    put(.mark)
    for element in elements { add(element) }
    put(.appends)
  }

  private mutating func add(tuple elements: [PickleTree]) {
    put(.mark)
    for element in elements { add(element) }
    put(.tuple)
  }

  private mutating func add(_ global: PickleGlobal) {
    guard let (module, name) = global.spelling else { return put(.none) }
    remembering("\(module).\(name)") { writer in
      writer.put(.global)
      writer.bytes += "\(module)\n\(name)\n".utf8
    }
  }

  private mutating func add(_ text: String) {
    put(.binUnicode)
    withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += text.utf8
  }

  private mutating func add(_ number: Int) {
    if let narrow = Int32(exactly: number) {
      put(.binInt)
      withUnsafeBytes(of: narrow.littleEndian) { bytes.append(contentsOf: $0) }
    } else {
      put(.long1)
      bytes.append(8)
      withUnsafeBytes(of: Int64(number).littleEndian) { bytes.append(contentsOf: $0) }
    }
  }

  private mutating func add(_ number: Double) {
    put(.binFloat)
    withUnsafeBytes(of: number.bitPattern.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends a value, or the place where it was written before.
  private mutating func remembering(_ key: String, _ add: (inout PickleWriter) -> Void) {
    if let place = memo?[key] { return put(place, .binGet, .longBinGet) }
    add(&self)
    guard let place = memo?.count else { return }
    memo?[key] = place
    put(place, .binPut, .longBinPut)
  }

  private mutating func put(_ place: Int, _ short: PickleOpcode, _ long: PickleOpcode) {
    put(place < 256 ? short : long)
    let width = place < 256 ? 1 : 4
    withUnsafeBytes(of: UInt32(place).littleEndian) { bytes.append(contentsOf: $0.prefix(width)) }
  }
}
