/// Finds added tokens in a text: at each place the longest, from left to right.
struct AddedTokens {
  /// A stretch of a text: an added token, or what lies between them.
  struct Piece {
    var text: Substring
    var id: Int?
  }

  /// The tokens by their first byte, longest first.
  private var candidates: [UInt8: [(bytes: [UInt8], token: TokenizerFile.AddedToken)]] = [:]

  /// - Parameter spelling: the text under which a token is looked for.
  init(_ tokens: [TokenizerFile.AddedToken], spelling: (String) -> String) {
    for token in tokens {
      let bytes = Array(spelling(token.text).utf8)
      guard let first = bytes.first else { continue }
      candidates[first, default: []].append((bytes, token))
    }
    for first in candidates.keys {
      candidates[first]?.sort { $0.bytes.count > $1.bytes.count }
    }
  }

  /// Cuts a text at the tokens in it.
  ///
  /// White space that a token takes after itself is cut again where another token stands in it, as in
  /// the original.
  /// - Cost: one pass; at each byte the tokens that begin with it are compared.
  func pieces(of text: Substring) -> [Piece] {
    var pieces: [Piece] = []
    var done = text.startIndex
    var place = text.startIndex
    while place < text.endIndex {
      guard let (token, end) = token(at: place, in: text) else {
        text.utf8.formIndex(after: &place)
        continue
      }
      if !token.isWord || isAlone(place..<end, in: text) {
        let (start, stop) = reach(of: token, place..<end, in: text, from: done)
        if done < start { pieces.append(Piece(text: text[done..<start], id: nil)) }
        pieces.append(Piece(text: text[start..<stop], id: token.id))
        done = stop
      }
      place = end
    }
    if done < text.endIndex { pieces.append(Piece(text: text[done...], id: nil)) }
    return pieces
  }

  private func token(
    at place: Substring.Index, in text: Substring
  ) -> (TokenizerFile.AddedToken, Substring.Index)? {
    let rest = text.utf8[place...]
    guard let first = rest.first, let known = candidates[first] else { return nil }
    guard let found = known.first(where: { rest.starts(with: $0.bytes) }) else { return nil }
    return (found.token, rest.index(place, offsetBy: found.bytes.count))
  }

  /// Whether no letter, digit or underscore touches a stretch.
  private func isAlone(_ range: Range<Substring.Index>, in text: Substring) -> Bool {
    let before = text.unicodeScalars[..<range.lowerBound].last
    let after = text.unicodeScalars[range.upperBound...].first
    return ![before, after].contains { $0.map(Self.belongsToWords) ?? false }
  }

  private static func belongsToWords(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: scalar.properties.isAlphabetic || scalar.properties.isJoinControl
    }
  }

  /// A stretch with the white space that its token takes, which begins behind what is done.
  private func reach(
    of token: TokenizerFile.AddedToken, _ range: Range<Substring.Index>, in text: Substring,
    from done: Substring.Index
  ) -> (start: Substring.Index, stop: Substring.Index) {
    var (start, stop) = (range.lowerBound, range.upperBound)
    let scalars = text.unicodeScalars
    if token.takesSpaceBefore {
      while start > done, scalars[scalars.index(before: start)].properties.isWhitespace {
        scalars.formIndex(before: &start)
      }
      start = max(start, done)
    }
    if token.takesSpaceAfter {
      while stop < text.endIndex, scalars[stop].properties.isWhitespace {
        scalars.formIndex(after: &stop)
      }
    }
    return (start, stop)
  }
}
