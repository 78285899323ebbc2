/// A command of `graft` that a document prints.
struct PrintedCommand {
  /// The words behind `graft`.
  let words: [String]
  /// The lines under it; nil where the document shows none.
  var output: [String]?

  /// Whether the document shows that it is refused.
  var isRefusal: Bool {
    words.contains("--explain") || output?.first?.hasPrefix("graft ") == true
  }

  /// The token ids from which a reference is recorded.
  static let idFile = ".build/ids.json"

  /// How a line begins that is a command without a prompt.
  private static var command: Regex<Substring> { /graft |python3 |[A-Z]+=/ }

  /// The commands in the fenced blocks without a language: behind prompts, or every line that begins
  /// like one.
  static func all(in text: String) -> [PrintedCommand] {
    var variables: [String: String] = [:]
    return blocks(text).flatMap { lines -> [PrintedCommand] in
      let prompts = lines.contains { $0.hasPrefix("$ ") }
      var found: [PrintedCommand] = []
      // A line of output belongs to the last command, also to one that is not run.
      var isOutput = false
      for line in lines {
        guard prompts ? line.hasPrefix("$ ") : line.starts(with: command) else {
          if isOutput { found[found.count - 1].output?.append(line) }
          continue
        }
        let words = substituted(line.hasPrefix("$ ") ? line.dropFirst(2) : line[...], &variables)
        isOutput = prompts && !words.isEmpty
        if !words.isEmpty { found.append(.init(words: words, output: prompts ? [] : nil)) }
      }
      return found
    }
  }

  /// The words behind `graft` with the values of variables; none for a line that assigns one. Programs
  /// in Python are stood in for by the verbs that write such files.
  private static func substituted(
    _ line: Substring, _ variables: inout [String: String]
  ) -> [String] {
    let words = line.prefix { $0 != "#" }.split(separator: " ").map { word in
      variables.reduce(word.filter { $0 != "'" }) { $0.replacing("$" + $1.key, with: $1.value) }
    }
    guard let first = words.first else { return [] }
    if words.count == 1, let end = first.firstIndex(of: "=") {
      variables[String(first[..<end])] = String(first[first.index(after: end)...])
    }
    if first == "python3", words.count == 4 {
      switch words[1] {
      case "scripts/record_reference.py":
        return ["logits", words[2], "--tokens", idFile, "--hidden", "--output", words[3]]
      case "scripts/train_spliced.py":
        return ["convert", words[2], words[3], "--dtype", "f32", "--mtp", "drop"]
      default: return []
      }
    }
    return first == "graft" ? Array(words.dropFirst()) : []
  }

  /// The lines of the fenced blocks that name no language.
  private static func blocks(_ text: String) -> [[String]] {
    var blocks: [[String]] = []
    var fence: String?
    for line in text.split(separator: "\n").map(String.init) {
      if line.hasPrefix("```") {
        fence = fence == nil ? line : nil
        blocks.append([])
      } else if fence == "```" {
        blocks[blocks.count - 1].append(line)
      }
    }
    return blocks
  }
}
