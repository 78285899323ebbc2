import Canonical
import JSON

extension FactValue {
  /// The fact value of a JSON scalar; nil for anything else.
  init?(_ value: JSONValue) {
    switch value {
    case .null: self = .none
    case .bool(let flag): self = .flag(flag)
    case .integer(let number): self = .integer(Int(number))
    case .double(let number, _): self = .number(number)
    case .string(let word): self = .word(word)
    case .unsigned, .notFinite, .array, .object: return nil
    }
  }

  /// The JSON scalar that stands for the value; a whole number is written without a fraction.
  public var json: JSONValue {
    switch self {
    case .none: .null
    case .flag(let flag): .bool(flag)
    case .integer(let number): .integer(Int64(number))
    case .number(let number): Self.json(number)
    case .word(let word): .string(word)
    }
  }

  private static func json(_ number: Double) -> JSONValue {
    if number == number.rounded(), abs(number) < 1e15 { return .integer(Int64(number)) }
    return JSONValue(number)
  }

  /// The word for a list of integers, such as `11,11,10`.
  /// - Parameter keepsZeros: whether zeros at its end count.
  init(integers numbers: [Int], keepsZeros: Bool) {
    let end = keepsZeros ? numbers.count : numbers.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    self = .word(numbers[..<end].map(String.init).joined(separator: ","))
  }

  /// The list that such a word stands for, with zeros at its end.
  func integers(atLeast count: Int) -> JSONValue? {
    guard case .word(let word) = self else { return nil }
    let numbers = word.split(separator: ",").compactMap { Int($0) }
    let zeros = Array(repeating: 0, count: max(count - numbers.count, 0))
    return .array((numbers + zeros).map { JSONValue($0) })
  }
}
