/// A value of Python, pickled in the plainest way, without the code that is tested.
public indirect enum PickleLiteral {
  case none
  case bool(Bool)
  case int(Int)
  case real(Double)
  case text(String)
  case tuple([PickleLiteral])
  case list([PickleLiteral])
  case dictionary([(PickleLiteral, PickleLiteral)])
  /// A name of a module.
  case global(String, String)
  /// A call of one.
  case call(String, String, [PickleLiteral])
  /// An object with attributes, or with a tuple as its state.
  case object(String, String, PickleLiteral)
  /// What `torch.save` keeps beside the pickle.
  case persistent([PickleLiteral])

  /// A dictionary with texts as keys, in order.
  public static func named(_ members: KeyValuePairs<String, PickleLiteral>) -> PickleLiteral {
    .dictionary(members.map { (.text($0.key), $0.value) })
  }

  /// A tuple of numbers.
  public static func numbers(_ numbers: [Int]) -> PickleLiteral { .tuple(numbers.map { .int($0) }) }

  /// A shape.
  public static func size(_ numbers: [Int]) -> PickleLiteral {
    .call("torch", "Size", [.numbers(numbers)])
  }

  /// The same value with another text in the place of one, keys aside.
  public func replacing(_ old: String, with new: String) -> PickleLiteral {
    switch self {
    case .text(old): .text(new)
    case .dictionary(let pairs):
      .dictionary(pairs.map { ($0.0, $0.1.replacing(old, with: new)) })
    case .object(let module, let name, let state):
      .object(module, name, state.replacing(old, with: new))
    default: self
    }
  }

  /// The pickle, of protocol 2.
  public var bytes: [UInt8] { [0x80, 2] + body + [0x2e] }

  private var body: [UInt8] {
    switch self {
    case .none: [0x4e]
    case .bool(let value): [value ? 0x88 : 0x89]
    case .int(let value): [0x8a, 8] + GGUFLiteral.number(Int64(value))
    case .real(let value): [0x47] + GGUFLiteral.number(value.bitPattern.byteSwapped)
    case .text(let text): [0x58] + GGUFLiteral.number(UInt32(text.utf8.count)) + Array(text.utf8)
    case .tuple(let values): [0x28] + values.flatMap(\.body) + [0x74]
    case .list(let values): [0x5d, 0x28] + values.flatMap(\.body) + [0x65]
    case .dictionary(let pairs):
      [0x7d, 0x28] + pairs.flatMap { $0.0.body + $0.1.body } + [0x75]
    case .global(let module, let name): [0x63] + Array("\(module)\n\(name)\n".utf8)
    case .call(let module, let name, let arguments):
      PickleLiteral.global(module, name).body + PickleLiteral.tuple(arguments).body + [0x52]
    case .object(let module, let name, let state):
      PickleLiteral.global(module, name).body + [0x29, 0x81] + state.body + [0x62]
    case .persistent(let id): PickleLiteral.tuple(id).body + [0x51]
    }
  }
}

/// A file of `torch.save`, put together without the code that is tested.
public enum TorchLiteral {
  /// A file with one value.
  /// - Parameter storage: the bytes that it refers to by the name `0`.
  public static func file(_ value: PickleLiteral, storage: [UInt8]? = nil) -> [UInt8] {
    let entries =
      [("data.pkl", value.bytes), ("byteorder", Array("little".utf8))]
      + (storage.map { [("data/0", $0)] } ?? []) + [("version", Array("3\n".utf8))]
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, bytes) in entries {
      let path = Array("archive/\(name)".utf8)
      let size = GGUFLiteral.number(UInt32(bytes.count))
      let common =
        [UInt8](repeating: 0, count: 8) + GGUFLiteral.number(checksum(bytes)) + size + size
        + GGUFLiteral.number(UInt16(path.count)) + [0, 0]
      directory +=
        [0x50, 0x4b, 1, 2, 0, 0, 0, 0] + common + [UInt8](repeating: 0, count: 10)
        + GGUFLiteral.number(UInt32(file.count)) + path
      file += [0x50, 0x4b, 3, 4, 0, 0] + common + path + bytes
    }
    let count = GGUFLiteral.number(UInt16(entries.count))
    let end =
      [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + count + count
      + GGUFLiteral.number(UInt32(directory.count)) + GGUFLiteral.number(UInt32(file.count))
    return file + directory + end + [0, 0]
  }

  /// A file with one tensor.
  public static func tensor(_ type: String, _ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
    let count = shape.reduce(1, *)
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    let storage = PickleLiteral.persistent([
      .text("storage"), .global("torch", storages[type] ?? ""), .text("0"), .text("cpu"),
      .int(count),
    ])
    let tensor = PickleLiteral.call(
      "torch._utils", "_rebuild_tensor_v2",
      [
        storage, .int(0), .numbers(shape), .numbers(strides), .bool(false),
        .call("collections", "OrderedDict", []),
      ])
    return file(tensor, storage: bytes)
  }

  private static let storages = [
    "F32": "FloatStorage", "BF16": "BFloat16Storage", "I32": "IntStorage",
  ]

  /// The names of the types of torch.
  public static let types = ["F32": "float32", "BF16": "bfloat16", "I32": "int32"]

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 0xff)] ^ ($0 >> 8) }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1
    }
  }
}
