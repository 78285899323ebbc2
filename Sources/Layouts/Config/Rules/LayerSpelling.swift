import Diagnostics
import JSON

/// `letters`: the words of all layers as one text, so many letters for each.
struct LayerSpelling: Sendable {
  /// The number of letters of a word.
  private let count: Int
  /// A letter that stands between words and says nothing of them.
  private let ignored: String
  /// What stands before the word of each layer of multi-token prediction.
  private let prediction: String

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "letters")
    count = try object.integer("count")
    ignored = try object.optionalString("ignored") ?? ""
    prediction = try object.optionalString("prediction") ?? ""
    try object.finish()
    guard (1...8).contains(count) else { throw FormatValue.wrong(value, "1 to 8 letters") }
  }

  /// The words of the layers, without those of multi-token prediction.
  /// - Throws: `Problem` of kind `invalid` for a value that is no text or not made of whole words.
  func words(_ value: JSONValue, at key: String) throws -> [JSONValue] {
    guard let text = value.string else {
      throw ConfigValue.wrongType(value, at: key, expected: "a text")
    }
    let parts = prediction.isEmpty ? [text] : text.components(separatedBy: prediction)
    let letters = Array(ignored.isEmpty ? parts[0] : parts[0].replacing(ignored, with: ""))
    guard letters.count % count == 0, letters.count / count <= LayerCount.range.upperBound else {
      throw Problem(
        .unsupported, "\(key): the letters do not make whole layers",
        expected: "\(count) letters for each layer", found: text)
    }
    return stride(from: 0, to: letters.count, by: count).map {
      .string(String(letters[$0..<$0 + count]))
    }
  }

  /// The text for the words of layers, and of those of multi-token prediction behind them.
  func text(_ words: [JSONValue], predictions: [JSONValue]) -> JSONValue {
    let layers = words.compactMap(\.string).joined()
    return .string(layers + predictions.compactMap(\.string).map { prediction + $0 }.joined())
  }
}

extension String {
  /// The parts between occurrences of a text.
  fileprivate func components(separatedBy text: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}
