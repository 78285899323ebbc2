/// What a misspelt name was probably meant to be.
public enum Suggestion {
  /// The longest word that is compared; nobody misspells a longer one.
  /// - Units: bytes.
  private static let longest = 256
  /// The most names that a word is compared with.
  private static let mostNames = 4096

  /// The known name that is nearest to a word; nil where none is near.
  ///
  /// A third of the characters may be wrong; case, dots, dashes and underscores do not count.
  /// - Cost: the product of the lengths for each known name, of which only some thousand are tried.
  public static func nearest(to word: String, in known: some Sequence<String>) -> String? {
    guard word.utf8.count <= longest else { return nil }
    let letters = normal(word)
    let limit = max(letters.count / 3, 1)
    return known.prefix(mostNames).lazy.filter { $0.utf8.count <= longest }
      .map { (name: $0, distance: distance(letters, normal($0))) }
      .filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.name
  }

  /// The question for a remedy, followed by what else can be done.
  public static func question(_ word: String, in known: some Sequence<String>, or other: String)
    -> String
  {
    nearest(to: word, in: known).map { "did you mean \($0)? Else \(other)" } ?? other
  }

  private static func normal(_ text: String) -> [UInt8] {
    text.utf8.filter { !Array("-_. ".utf8).contains($0) }.map {
      (65...90).contains($0) ? $0 + 32 : $0
    }
  }

  /// The number of characters to insert, remove, replace or swap with the next.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard abs(a.count - b.count) <= max(a.count, b.count) / 2 else { return Int.max }
    var rows = [Array(0...b.count)]
    for (i, x) in a.enumerated() {
      var row = [i + 1]
      for (j, y) in b.enumerated() {
        var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (x == y ? 0 : 1))
        if i > 0, j > 0, x == b[j - 1], y == a[i - 1] { cost = min(cost, rows[i - 1][j - 1] + 1) }
        row.append(cost)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
