/// Finds added tokens in a text.
struct AddedTokens {
  /// Which of the tokens counts that stand in each other.
  enum Order {
    /// From left to right, at each place the longest.
    case leftmost
    /// The longest, wherever it stands, as in llama.cpp.
    case longest
  }

  /// A stretch of a text: an added token, or what lies between them.
  struct Stretch {
    var text: Substring
    var id: Int?
  }

  /// The tokens in the order of their bytes, each spelling once, so that those with one beginning stand
  /// together.
  private let tokens: [(bytes: [UInt8], token: TokenizerFile.AddedToken)]
  /// Where the tokens stand that begin with a byte.
  private let starts: [UInt8: Range<Int>]
  private let order: Order

  /// - Parameter spelling: the text under which a token is looked for.
  init(
    _ tokens: [TokenizerFile.AddedToken], order: Order = .leftmost,
    spelling: (String) -> String = { $0 }
  ) {
    var known: Set<[UInt8]> = [[]]
    let spelled = tokens.map { (bytes: Array(spelling($0.text).utf8), token: $0) }
      .filter { known.insert($0.bytes).inserted }
      .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    var starts: [UInt8: Range<Int>] = [:]
    for (place, token) in spelled.enumerated() {
      starts[token.bytes[0], default: place..<place] =
        (starts[token.bytes[0]]?.lowerBound ?? place)..<place + 1
    }
    (self.tokens, self.starts, self.order) = (spelled, starts, order)
  }

  /// Cuts a text at the tokens in it.
  /// - Cost: one pass; at each byte a search for each byte of the longest token that may stand there.
  ///   Where the longest count first, a pass more for each token that the text holds.
  func pieces(of text: Substring) -> [Stretch] {
    switch order {
    case .leftmost: piecesFromLeft(of: text)
    case .longest:
      held(by: text).reduce([Stretch(text: text, id: nil)]) { stretches, token in
        let one = AddedTokens([token])
        return stretches.flatMap { $0.id == nil ? one.pieces(of: $0.text) : [$0] }
      }
    }
  }

  /// The tokens that stand anywhere in a text, the longest first; of equal length that of the lowest number.
  private func held(by text: Substring) -> [TokenizerFile.AddedToken] {
    var found: [Int: TokenizerFile.AddedToken] = [:]
    for place in text.utf8.indices {
      for (token, _) in matches(at: place, in: text) { found[token.id] = token }
    }
    return found.values.sorted {
      ($1.text.utf8.count, $0.id) < ($0.text.utf8.count, $1.id)
    }
  }

  /// White space that a token takes after itself is cut again where another token stands in it, as in
  /// the original.
  private func piecesFromLeft(of text: Substring) -> [Stretch] {
    var pieces: [Stretch] = []
    var done = text.startIndex
    var place = text.startIndex
    while place < text.endIndex {
      guard let (token, end) = matches(at: place, in: text).last else {
        text.utf8.formIndex(after: &place)
        continue
      }
      if !token.isWord || isAlone(place..<end, in: text) {
        let (start, stop) = reach(of: token, place..<end, in: text, from: done)
        if done < start { pieces.append(Stretch(text: text[done..<start], id: nil)) }
        pieces.append(Stretch(text: text[start..<stop], id: token.id))
        done = stop
      }
      place = end
    }
    if done < text.endIndex { pieces.append(Stretch(text: text[done...], id: nil)) }
    return pieces
  }

  /// The tokens that begin at a place, the shortest first, and where they end.
  private func matches(
    at place: Substring.Index, in text: Substring
  ) -> [(TokenizerFile.AddedToken, Substring.Index)] {
    var rest = text.utf8[place...]
    guard let first = rest.popFirst(), var range = starts[first] else { return [] }
    var found: [(TokenizerFile.AddedToken, Substring.Index)] = []
    var depth = 1
    while !range.isEmpty {
      // The shortest comes first, and all of them begin as the text does.
      if tokens[range.lowerBound].bytes.count == depth {
        found.append((tokens[range.lowerBound].token, rest.startIndex))
        range = range.dropFirst()
      }
      guard let byte = rest.popFirst() else { break }
      let start = self.place(in: range) { $0[depth] < byte }
      range = start..<self.place(in: start..<range.upperBound) { $0[depth] <= byte }
      depth += 1
    }
    return found
  }

  /// The first place in a range at which the bytes do not go before something.
  private func place(in range: Range<Int>, _ goesBefore: ([UInt8]) -> Bool) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if goesBefore(tokens[middle].bytes) { low = middle + 1 } else { high = middle }
    }
    return low
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
