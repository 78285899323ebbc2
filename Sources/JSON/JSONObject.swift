/// The members of a JSON object in their written order, with access by name.
///
/// Names are told apart by their bytes: two spellings of the same accented letter are two names.
/// - Cost: reading, replacing and appending a member take constant time; removing one takes time
///   in proportion to the number of members. Few names are compared one by one, which is faster than
///   a table of them.
public struct JSONObject: Hashable, Sendable {
  /// The names, in order.
  public private(set) var keys: [String] = []
  private var values: [JSONValue] = []
  /// The places of the names where there are more than `few`.
  private var places: [ExactName: Int] = [:]
  private static let few = 8

  /// An object without members.
  public init() {}

  /// An object from its members; of two with one name the later wins, in the earlier place.
  public init(_ entries: [(String, JSONValue)]) {
    for (key, value) in entries { self[key] = value }
  }

  /// The number of members.
  public var count: Int { keys.count }

  /// Whether there are no members.
  public var isEmpty: Bool { keys.isEmpty }

  /// The members, in order.
  public var entries: [(key: String, value: JSONValue)] {
    zip(keys, values).map { (key: $0, value: $1) }
  }

  /// The value of a member.
  ///
  /// Setting a new name appends it, setting a known one keeps its place, setting nil removes it.
  public subscript(key: String) -> JSONValue? {
    get { place(of: key).map { values[$0] } }
    set {
      guard let newValue else { return remove(key) }
      if let place = place(of: key) {
        values[place] = newValue
      } else {
        append(key, newValue)
      }
    }
  }

  /// Whether there is a member of that name.
  public func contains(_ key: String) -> Bool { place(of: key) != nil }

  private func place(of key: String) -> Int? {
    if keys.count > Self.few { return places[ExactName(key)] }
    return keys.firstIndex { $0 == key && ExactName($0) == ExactName(key) }
  }

  /// Adds a member at the end; the caller knows that the name is new.
  mutating func append(_ key: String, _ value: JSONValue) {
    keys.append(key)
    values.append(value)
    if keys.count > Self.few { index(from: places.isEmpty ? 0 : keys.count - 1) }
  }

  private mutating func remove(_ key: String) {
    guard let place = place(of: key) else { return }
    keys.remove(at: place)
    values.remove(at: place)
    places.removeValue(forKey: ExactName(key))
    if keys.count > Self.few { index(from: place) } else { places = [:] }
  }

  private mutating func index(from first: Int) {
    for place in first..<keys.count { places[ExactName(keys[place])] = place }
  }

  /// Whether both have the same members in the same order.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.keys.count == b.keys.count && a.values == b.values
      && zip(a.keys, b.keys).allSatisfy { ExactName($0) == ExactName($1) }
  }

  /// Feeds the members into the hash, in order.
  public func hash(into hasher: inout Hasher) {
    for key in keys { hasher.combine(ExactName(key)) }
    hasher.combine(values)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object; of two members with one name the later wins, in the earlier place.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// A string that equals only a string of the same bytes, where `String` compares canonical forms.
struct ExactName: Hashable, Sendable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (a: ExactName, b: ExactName) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
