/// A set of texts that finds quickly which of them another text begins with.
struct PrefixIndex: Hashable, Sendable {
  private struct Entry: Hashable {
    let text: [UInt8]
    /// Where the text stood.
    let place: Int
    /// The longest other entry with which this one begins.
    let shorter: Int?
  }

  /// The texts in order, so that those with which a text begins stand before it.
  private let entries: [Entry]

  init(_ texts: [[UInt8]]) {
    let sorted = texts.enumerated().sorted { $0.element.lexicographicallyPrecedes($1.element) }
    var entries: [Entry] = []
    var open: [Int] = []
    for (place, text) in sorted {
      while let last = open.last, !text.starts(with: entries[last].text) { open.removeLast() }
      entries.append(Entry(text: text, place: place, shorter: open.last))
      open.append(entries.count - 1)
    }
    self.entries = entries
  }

  /// The places of the texts with which a text begins.
  ///
  /// All of them are beginnings of the greatest entry that is not greater than the text.
  /// - Cost: a binary search, and the length of the text for each that is found or nearly.
  func places(beginning text: [UInt8]) -> [Int] {
    var places: [Int] = []
    var entry = last(notAfter: text)
    while let index = entry {
      if text.starts(with: entries[index].text) { places.append(entries[index].place) }
      entry = entries[index].shorter
    }
    return places
  }

  private func last(notAfter text: [UInt8]) -> Int? {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = low + (high - low) / 2
      if text.lexicographicallyPrecedes(entries[middle].text) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low > 0 ? low - 1 : nil
  }
}
