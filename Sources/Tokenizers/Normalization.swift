#if canImport(Darwin)
  import Foundation
#else
  @_spi(_Unicode) import Swift
#endif
import JSON

/// How text is spelled before it is cut into words (`normalizer`).
enum Normalization {
  /// As it is.
  case none
  /// Letters and marks composed where Unicode has a letter for both (NFC).
  case composed

  /// - Throws: `Problem` of kind `unsupported` for another one.
  init(_ value: JSONValue) throws {
    switch value["type"] {
    case nil where value.isNull: self = .none
    case "NFC": self = .composed
    case "Sequence":
      let steps = try (value["normalizers"]?.array ?? []).map { try Normalization($0) }
      self = steps.contains(.composed) ? .composed : .none
    default: throw TokenizerObstacle.problem("normalizer", value)
    }
  }

  /// The text in this spelling.
  func applied(to text: some StringProtocol) -> String {
    guard self == .composed, !text.utf8.allSatisfy({ $0 < 0x80 }) else { return String(text) }
    #if canImport(Darwin)
      return text.precomposedStringWithCanonicalMapping
    #else
      return String(String.UnicodeScalarView(String(text)._nfc))
    #endif
  }
}
