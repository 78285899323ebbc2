import JSON

/// The tokens around a text (`post_processor`).
struct TextTemplate {
  /// The tokens before the text.
  private(set) var before: [Int] = []
  /// The tokens after it.
  private(set) var after: [Int] = []

  /// - Throws: `Problem` of kind `unsupported` for other kinds than templates.
  init(_ value: JSONValue) throws {
    switch value["type"] {
    case nil where value.isNull: return
    case "ByteLevel": return
    case "Sequence":
      for part in value["processors"]?.array ?? [] { try surround(TextTemplate(part)) }
    case "TemplateProcessing": try read(value)
    default: throw TokenizerObstacle.problem("post_processor", value)
    }
  }

  private mutating func surround(_ outer: TextTemplate) {
    before = outer.before + before
    after += outer.after
  }

  private mutating func read(_ value: JSONValue) throws {
    var hasText = false
    for part in value["single"]?.array ?? [] {
      guard let name = part["SpecialToken"]?["id"]?.string else {
        hasText = true
        continue
      }
      let ids = value["special_tokens"]?[name]?["ids"]?.array?.compactMap(\.int) ?? []
      if hasText { after += ids } else { before += ids }
    }
    guard hasText else { throw TokenizerObstacle.problem("post_processor", value) }
  }
}
