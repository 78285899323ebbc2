extension JSONValue {
  /// The integer, where the value is one and fits an `Int`.
  public var int: Int? {
    if case .integer(let number) = self { return Int(exactly: number) }
    return nil
  }

  /// The number as a double, where the value is a finite number of any kind.
  public var number: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .unsigned(let number): Double(number)
    case .double(let number, _): number
    default: nil
    }
  }

  /// The string, where the value is one.
  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// The truth value, where the value is one.
  public var bool: Bool? {
    if case .bool(let flag) = self { return flag }
    return nil
  }

  /// The elements, where the value is an array.
  public var array: [JSONValue]? {
    if case .array(let elements) = self { return elements }
    return nil
  }

  /// The members, where the value is an object.
  public var object: JSONObject? {
    if case .object(let members) = self { return members }
    return nil
  }

  /// Whether the value is `null`.
  public var isNull: Bool { self == .null }

  /// The member of that name; nil where there is none or the value is not an object.
  ///
  /// Setting a member of something that is not an object makes it an object first.
  public subscript(key: String) -> JSONValue? {
    get { object?[key] }
    set {
      var members = object ?? JSONObject()
      self = .null  // so that the members are not shared while they change
      members[key] = newValue
      self = .object(members)
    }
  }

  /// The JSON name of the kind of value, for messages.
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .unsigned, .double: "a number"
    case .notFinite: "a number that is not finite"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// The value `null`.
  public init(nilLiteral: ()) { self = .null }

  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }

  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }

  /// A number that is written with a fraction or an exponent.
  public init(floatLiteral value: Double) { self.init(value) }

  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }

  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// An object; of two members with one name the later wins, in the earlier place.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements))
  }
}
