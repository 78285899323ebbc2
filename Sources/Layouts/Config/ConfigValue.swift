import Canonical
import Diagnostics
import JSON

/// Values of a config that decide something, with the refusal of those that cannot be meant.
enum ConfigValue {
  static let integerList = "a list of whole numbers"

  /// The refusal of a value of another type than the key has.
  static func wrongType(_ value: JSONValue, at key: String, expected: String) -> Problem {
    Problem(
      .invalid, "the config has a value of the wrong type", expected: expected,
      found: text(value, at: key))
  }

  /// The refusal of a number that means nothing.
  static func outOfRange(_ number: Int, at key: String, expected: String) -> Problem {
    Problem(
      .invalid, "the config has a number out of range", expected: expected,
      found: text(JSONValue(number), at: key))
  }

  /// What is wrong where a key that is required is not there.
  static func missing(_ key: String) -> Problem {
    Problem(.invalid, "the config lacks a key", expected: key)
  }

  /// What is wrong where two keys state one fact in two ways.
  static func contradiction(_ first: String, _ second: String) -> Problem {
    Problem(
      .invalid, "two keys of the config contradict each other", expected: first, found: second,
      remedy: "keep the value that the weights were made with")
  }

  /// A key with a value, for a message.
  static func text(_ value: JSONValue, at key: String) -> String {
    "\(key): \(value.text(indent: 0))"
  }

  static func array(_ value: JSONValue, at key: String) throws -> [JSONValue] {
    guard case .array(let items) = value else {
      throw wrongType(value, at: key, expected: "a list")
    }
    return items
  }

  static func integers(_ value: JSONValue, at key: String) throws -> [Int] {
    let numbers = value.array?.compactMap(\.int)
    guard let numbers, numbers.count == value.array?.count else {
      throw wrongType(value, at: key, expected: integerList)
    }
    return numbers
  }

  /// The objects of a list of objects, of one object, or of nothing.
  static func objects(_ value: JSONValue, at key: String) throws -> [JSONObject] {
    let items = value == .null ? [] : value.array ?? [value]
    let objects = items.compactMap(\.object)
    guard objects.count == items.count else {
      throw wrongType(value, at: key, expected: "an object, a list of objects or null")
    }
    return objects
  }
}

extension JSONObject {
  /// The integer at a path of keys; nil where there is none.
  /// - Throws: `Problem` of kind `invalid` for any other value, or one outside the range.
  func integer(at path: String, in range: PartialRangeFrom<Int>) throws -> Int? {
    guard let value = value(at: path) else { return nil }
    guard let number = value.int else {
      throw ConfigValue.wrongType(value, at: path, expected: FactKind.integer.text)
    }
    guard range.contains(number) else {
      throw ConfigValue.outOfRange(number, at: path, expected: "\(range.lowerBound) or more")
    }
    return number
  }

  /// What is wrong with a value that is neither an object nor null.
  func problemUnlessObject(at key: String) -> Problem? {
    guard let value = self[key], value != .null, value.object == nil else { return nil }
    return ConfigValue.wrongType(value, at: key, expected: "an object or null")
  }
}
