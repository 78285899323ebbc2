import Diagnostics
import JSON

/// Values of a pickle as a document: dictionaries, lists, texts, numbers and flags, and the attributes of an
/// `argparse.Namespace`.
///
/// A type of torch is its name. What says nothing here, such as an object of another class, is an object
/// with the one key `_target_`, so that nobody takes it for a missing value.
struct PickleDocument {
  private let heap: PickleHeap
  /// How many values may still be taken, because a pickle can name one list many times.
  private var allowance = 1 << 18

  /// The deepest nesting; the arguments of a run need three levels.
  private static let mostLevels = 16
  private static let strangerKey = "_target_"

  init(_ heap: PickleHeap) { self.heap = heap }

  /// The document of a value.
  /// - Throws: `Problem` of kind `invalid` where it nests too deeply or goes on too long.
  mutating func document(_ value: PickleValue, depth: Int = 0) throws -> JSONValue {
    guard depth < Self.mostLevels, allowance > 0 else {
      throw Problem(
        .invalid, "the pickle holds more than the arguments of a run",
        expected: "at most \(Self.mostLevels) levels")
    }
    allowance -= 1
    switch value {
    case .none: return .null
    case .bool(let flag): return .bool(flag)
    case .int(let number): return JSONValue(number)
    case .real(let number): return JSONValue(number)
    case .text(let text): return .string(text)
    case .list, .tuple:
      return .array(try (heap.elements(value) ?? []).map { try document($0, depth: depth + 1) })
    case .dictionary: return .object(try members(heap.pairs(value) ?? [], depth))
    case .object(let place) where heap.objects[place].type == .namespace:
      return .object(try members(heap.pairs(heap.objects[place].state) ?? [], depth))
    case .global(.type(let type)): return .string(type.torchType ?? type.rawValue)
    default: return .object([Self.strangerKey: .string(value.kind)])
    }
  }

  private mutating func members(
    _ pairs: [(key: PickleValue, value: PickleValue)], _ depth: Int
  ) throws -> JSONObject {
    var object = JSONObject()
    for pair in pairs {
      guard let key = pair.key.text else { continue }
      object[key] = try document(pair.value, depth: depth + 1)
    }
    return object
  }
}
