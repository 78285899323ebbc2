/// Reads the part of regular expressions that names of modules need.
struct PatternParser {
  private var rest: ArraySlice<UInt8>
  private static let mostSteps = 4096
  private static let deepest = 16

  /// The steps of a pattern; nil for signs that are not known.
  static func steps(of bytes: [UInt8]) -> [PatternStep]? {
    var parser = PatternParser(rest: bytes[...])
    guard let steps = parser.alternatives(0), parser.rest.isEmpty else { return nil }
    return steps + [.end]
  }

  /// Alternatives up to the end or a closing bracket. Targets count from the first step.
  private mutating func alternatives(_ depth: Int) -> [PatternStep]? {
    guard depth <= Self.deepest, var steps = sequence(depth) else { return nil }
    while rest.first == UInt8(ascii: "|") {
      rest.removeFirst()
      guard let other = sequence(depth) else { return nil }
      let second = steps.count + 2
      steps =
        [.either(1, second)] + Self.moved(steps, by: 1) + [.jump(second + other.count)]
        + Self.moved(other, by: second)
    }
    return steps.count <= Self.mostSteps ? steps : nil
  }

  private mutating func sequence(_ depth: Int) -> [PatternStep]? {
    var steps: [PatternStep] = []
    while let byte = rest.first, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
      guard let one = piece(depth), let repeated = repeated(one) else { return nil }
      steps += Self.moved(repeated, by: steps.count)
      guard steps.count <= Self.mostSteps else { return nil }
    }
    return steps
  }

  private mutating func piece(_ depth: Int) -> [PatternStep]? {
    guard let byte = rest.popFirst() else { return nil }
    switch byte {
    case UInt8(ascii: "("): return group(depth)
    case UInt8(ascii: "["): return set().map { [.byte($0)] }
    case UInt8(ascii: "\\"): return escaped().map { [.byte($0)] }
    case UInt8(ascii: "."): return [.byte(.any)]
    case UInt8(ascii: "^"): return [.atStart]
    case UInt8(ascii: "$"): return [.atEnd]
    case _ where byte >= 0x80 || "*+?{}]".utf8.contains(byte): return nil
    default: return [.byte(ByteSet([byte]))]
    }
  }

  private mutating func group(_ depth: Int) -> [PatternStep]? {
    if rest.starts(with: "?:".utf8) { rest = rest.dropFirst(2) }
    guard rest.first != UInt8(ascii: "?"), let steps = alternatives(depth + 1),
      rest.popFirst() == UInt8(ascii: ")")
    else { return nil }
    return steps
  }

  /// What stands behind a backslash.
  private mutating func escaped() -> ByteSet? {
    guard let byte = rest.popFirst(), byte < 0x80 else { return nil }
    switch byte {
    case UInt8(ascii: "d"): return .digits
    case UInt8(ascii: "D"): return ByteSet.digits.inverted
    case UInt8(ascii: "w"): return .letters
    case UInt8(ascii: "W"): return ByteSet.letters.inverted
    case UInt8(ascii: "s"): return .spaces
    case UInt8(ascii: "S"): return ByteSet.spaces.inverted
    default: return ByteSet.letters.contains(byte) ? nil : ByteSet([byte])
    }
  }

  /// A class, behind its opening bracket.
  private mutating func set() -> ByteSet? {
    let isInverted = rest.first == UInt8(ascii: "^")
    if isInverted { rest.removeFirst() }
    var (set, isFirst) = (ByteSet([]), true)
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "]"), !isFirst { return isInverted ? set.inverted : set }
      isFirst = false
      guard byte < 0x80 else { return nil }
      if byte == UInt8(ascii: "\\") {
        guard let other = escaped() else { return nil }
        set = set.union(other)
        continue
      }
      guard let last = rangeEnd(from: byte) else { return nil }
      set = set.union(ByteSet(byte...last))
    }
    return nil
  }

  /// The last byte of a range that begins with a byte, which may be that byte alone.
  private mutating func rangeEnd(from first: UInt8) -> UInt8? {
    guard rest.first == UInt8(ascii: "-"), let last = rest.dropFirst().first,
      last != UInt8(ascii: "]")
    else { return first }
    rest = rest.dropFirst(2)
    return last >= first && last < 0x80 && last != UInt8(ascii: "\\") ? last : nil
  }

  /// A piece as often as the sign behind it says.
  private mutating func repeated(_ steps: [PatternStep]) -> [PatternStep]? {
    let start = rest.startIndex
    guard let (least, most) = counts() else { return nil }
    // A question mark behind a repetition says which match is taken first, which makes no difference here.
    if rest.startIndex > start, rest.first == UInt8(ascii: "?") { rest.removeFirst() }
    var made: [PatternStep] = []
    for _ in 0..<least { made += Self.moved(steps, by: made.count) }
    if let most {
      let end = made.count + (most - least) * (steps.count + 1)
      for _ in least..<most {
        made.append(.either(made.count + 1, end))
        made += Self.moved(steps, by: made.count)
      }
      return made.count <= Self.mostSteps ? made : nil
    }
    let loop = made.count
    made.append(.either(loop + 1, loop + steps.count + 2))
    return made + Self.moved(steps, by: loop + 1) + [.jump(loop)]
  }

  /// How often a piece comes: once, or what `?`, `*`, `+` or numbers in braces say; nil for the last number
  /// where there is no end.
  private mutating func counts() -> (least: Int, most: Int?)? {
    let counts: (Int, Int?)
    switch rest.first {
    case UInt8(ascii: "?"): counts = (0, 1)
    case UInt8(ascii: "*"): counts = (0, nil)
    case UInt8(ascii: "+"): counts = (1, nil)
    case UInt8(ascii: "{"): return braces()
    default: return (1, 1)
    }
    rest.removeFirst()
    return counts
  }

  private mutating func braces() -> (least: Int, most: Int?)? {
    guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else { return nil }
    let parts = String(decoding: rest[rest.startIndex + 1..<end], as: UTF8.self)
      .split(separator: ",", omittingEmptySubsequences: false)
    rest = rest[(end + 1)...]
    guard let least = Int(parts[0]), (0...64).contains(least), parts.count <= 2 else { return nil }
    guard parts.count == 2 else { return (least, least) }
    if parts[1].isEmpty { return (least, nil) }
    guard let most = Int(parts[1]), (least...64).contains(most) else { return nil }
    return (least, most)
  }

  /// Steps that stand behind others.
  private static func moved(_ steps: [PatternStep], by count: Int) -> [PatternStep] {
    steps.map { step in
      switch step {
      case .either(let one, let other): .either(one + count, other + count)
      case .jump(let target): .jump(target + count)
      default: step
      }
    }
  }
}
