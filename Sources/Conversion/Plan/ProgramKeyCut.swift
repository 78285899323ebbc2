import Diagnostics
import JSON

/// The text of a JSON document without the members that name programs; every other byte stays.
struct ProgramKeyCut {
  /// The bytes that stay.
  let bytes: [UInt8]
  /// What was left out, each by key and value.
  let names: [String]

  /// Cuts the members out.
  /// - Throws: `Problem` of kind `invalid` where the text is no strict JSON.
  /// - Cost: one pass.
  init(_ text: [UInt8]) throws {
    var finder = MemberFinder()
    try text.withUnsafeBytes { try finder.find(in: $0) }
    names = finder.names
    var rest: [UInt8] = []
    var place = 0
    for gap in finder.gaps.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      rest += text[place..<gap.lowerBound]
      place = gap.upperBound
    }
    bytes = rest + text[place...]
  }
}

/// Finds the members that name programs.
private struct MemberFinder {
  private(set) var names: [String] = []
  /// What is cut out, so that what is left is JSON: members with the commas that go.
  private(set) var gaps: [Range<Int>] = []

  mutating func find(in text: UnsafeRawBufferPointer) throws {
    var scanner = JSONScanner(text)
    try value(&scanner, text)
    try scanner.end()
  }

  private mutating func value(_ scanner: inout JSONScanner, _ text: UnsafeRawBufferPointer) throws {
    switch try scanner.nextKind() {
    case .object: try object(&scanner, text)
    case .array:
      try scanner.beginArray()
      while try scanner.nextElement() { try value(&scanner, text) }
    default: try scanner.skip()
    }
  }

  private mutating func object(_ scanner: inout JSONScanner, _ text: UnsafeRawBufferPointer) throws
  {
    var keys = JSONKeySet()
    var members: [(range: Range<Int>, goes: Bool)] = []
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      let start = key.start(in: text) - 1
      let goes = try member(key.string, &scanner, text)
      members.append((start..<scanner.position, goes))
    }
    guard members.contains(where: \.goes) else { return }
    let first = members.firstIndex { !$0.goes } ?? members.count
    if first > 0 {
      let end =
        first < members.count
        ? members[first].range.lowerBound : members[first - 1].range.upperBound
      gaps.append(members[0].range.lowerBound..<end)
    }
    for index in members.indices.dropFirst(first) where members[index].goes {
      gaps.append(members[index - 1].range.upperBound..<members[index].range.upperBound)
    }
  }

  /// Steps over a member.
  /// - Returns: whether it goes.
  private mutating func member(
    _ key: String, _ scanner: inout JSONScanner, _ text: UnsafeRawBufferPointer
  ) throws -> Bool {
    guard ProgramKeys.mayName(key) else {
      try value(&scanner, text)
      return false
    }
    let value = try scanner.value()
    guard ProgramKeys.names(key, value) else { return false }
    names += ProgramKeys.texts(key, value)
    return true
  }
}
