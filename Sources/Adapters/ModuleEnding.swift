import Diagnostics

/// A key of `rank_pattern` or `alpha_pattern`: a regular expression for the end of a module's name.
///
/// All ways through it are followed side by side, one byte after the other, so that no pattern takes long.
struct ModuleEnding {
  private let steps: [PatternStep]
  private static let longest = 512

  /// Reads a key: names, with `.`, classes, groups, repetitions, alternatives and anchors.
  /// - Throws: `Problem` of kind `unsupported` for other signs of a regular expression.
  init(_ text: String) throws {
    guard text.utf8.count <= Self.longest, let steps = PatternParser.steps(of: Array(text.utf8))
    else { throw Self.strange(text) }
    self.steps = steps
  }

  private static func strange(_ text: String) -> Problem {
    Problem(
      .unsupported, "a pattern of an adapter is not understood",
      expected: "names of modules, with . \\d \\w [a-z] (a|b) ? * + {2,3} ^ $",
      found: String(text.prefix(80)),
      remedy: "write out the modules, or merge the adapter with PEFT")
  }

  /// Whether a module's name is the pattern, or ends with it behind a dot.
  /// - Cost: the product of both lengths.
  func matches(_ module: String) -> Bool {
    let name = Array(module.utf8)
    var ways = Ways(steps.count)
    for position in 0...name.count {
      if position == 0 || name[position - 1] == UInt8(ascii: ".") {
        follow(from: 0, position, name.count, &ways)
      }
      guard position < name.count else { break }
      let current = ways.places
      ways = Ways(steps.count)
      for place in current {
        guard case .byte(let set) = steps[place], set.contains(name[position]) else { continue }
        follow(from: place + 1, position + 1, name.count, &ways)
      }
    }
    return ways.places.contains { steps[$0] == .end }
  }

  /// Adds what can come next, without reading a byte.
  private func follow(from place: Int, _ position: Int, _ count: Int, _ ways: inout Ways) {
    var open = [place]
    while let next = open.popLast() {
      guard ways.insert(next) else { continue }
      switch steps[next] {
      case .byte, .end: break
      case .either(let one, let other): open += [one, other]
      case .jump(let target): open.append(target)
      case .atStart where position == 0, .atEnd where position == count: open.append(next + 1)
      case .atStart, .atEnd: break
      }
    }
  }

  /// The steps that have been reached.
  private struct Ways {
    private(set) var places: [Int] = []
    private var isReached: [Bool]

    init(_ count: Int) { isReached = Array(repeating: false, count: count) }

    mutating func insert(_ place: Int) -> Bool {
      if isReached[place] { return false }
      isReached[place] = true
      places.append(place)
      return true
    }
  }
}
