extension Problem {
  /// The whole message for a person: the clause, then one line per known fact; of several problems one
  /// after the other.
  public var text: String { others.isEmpty ? clause : list }

  /// The message of this problem alone.
  private var clause: String {
    var lines = [PrintableText.text(what)]
    func add(_ label: String, _ value: String?) {
      guard let value else { return }
      let padded = label + String(repeating: " ", count: 10 - label.count)
      lines.append("  " + padded + PrintableText.text(value))
    }
    add("file", file)
    add("place", place)
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

extension Problem {
  /// The number of problems spelled out in full; the rest are counted.
  private static let shown = 12

  /// What is to be done about all of them; nil where that is not one thing.
  private var commonRemedy: String? {
    guard let remedy, others.allSatisfy({ $0.remedy == remedy }) else { return nil }
    return remedy
  }

  /// All messages, one after the other; beyond the first dozen only their number. A remedy that they share
  /// is said once.
  private var list: String {
    let (problems, remedy) = (each, commonRemedy)
    var lines = ["\(problems.count) problems"]
    lines += problems.prefix(Self.shown).map { "- " + (remedy == nil ? $0 : $0.bare).clause }
    if problems.count > Self.shown { lines.append("- and \(problems.count - Self.shown) more") }
    if let remedy { lines.append("to do: " + remedy) }
    return lines.joined(separator: "\n")
  }

  /// The problem without its remedy, which is said elsewhere.
  private var bare: Problem {
    var copy = self
    copy.remedy = nil
    return copy
  }
}
