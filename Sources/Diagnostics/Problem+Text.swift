extension Problem {
  /// The whole message for a person: the clause, then one line per known fact.
  public var text: String {
    var lines = [what]
    func add(_ label: String, _ value: String?) {
      guard let value else { return }
      lines.append("  " + label + String(repeating: " ", count: 10 - label.count) + value)
    }
    add("file", file)
    add("layer", layer.map(String.init))
    add("tensor", tensor)
    add("expected", expected)
    add("found", found)
    add("to do", remedy)
    return lines.joined(separator: "\n")
  }

  /// The exit status of a command that stops with this problem, after sysexits.
  public var exitCode: Int32 {
    switch kind {
    case .usage: 64
    case .invalid: 65
    case .missing: 66
    case .unsupported: 69
    case .exists: 73
    case .io: 74
    }
  }
}

extension ProblemList {
  /// The number of problems spelled out in full; the rest are counted.
  private static let shown = 12

  /// All messages, one after the other; beyond the first dozen only their number.
  public var text: String {
    var lines = [problems.count == 1 ? "1 problem" : "\(problems.count) problems"]
    lines += problems.prefix(Self.shown).map { "- " + $0.text }
    if problems.count > Self.shown { lines.append("- and \(problems.count - Self.shown) more") }
    return lines.joined(separator: "\n")
  }
}
