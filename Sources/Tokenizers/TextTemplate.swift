import JSON

/// The tokens around a text (`post_processor`).
struct TextTemplate {
  /// The tokens before the text.
  private(set) var before: [Int] = []
  /// The tokens after it.
  private(set) var after: [Int] = []

  /// The most tokens around a text; original templates have two or three.
  private static let mostTokens = 4096

  init(before: [Int], after: [Int]) { (self.before, self.after) = (before, after) }

  /// - Throws: `Problem` of kind `unsupported` for other kinds than templates.
  init(_ value: JSONValue) throws {
    switch value["type"] {
    case nil where value.isNull: return
    case "ByteLevel": return
    case "Sequence":
      for part in value["processors"]?.array ?? [] {
        surround(try TextTemplate(part))
        try check(before.count + after.count)
      }
    case "TemplateProcessing": try read(value)
    default: throw TokenizerObstacle.problem("post_processor", value)
    }
  }

  private mutating func surround(_ outer: TextTemplate) {
    if !outer.before.isEmpty { before = outer.before + before }
    after += outer.after
  }

  private mutating func read(_ value: JSONValue) throws {
    var hasText = false
    for part in value["single"]?.array ?? [] {
      guard let name = part["SpecialToken"]?["id"]?.string else {
        hasText = true
        continue
      }
      let values = value["special_tokens"]?[name]?["ids"]?.array ?? []
      try check(before.count + after.count + values.count)
      let ids = values.compactMap(\.int)
      if hasText { after += ids } else { before += ids }
    }
    guard hasText else { throw TokenizerObstacle.problem("post_processor", value) }
  }

  private func check(_ count: Int) throws {
    guard count > Self.mostTokens else { return }
    throw TokenizerObstacle.excess(
      "the template of tokens around a text", expected: "at most \(Self.mostTokens) tokens",
      found: "\(count) or more")
  }
}
