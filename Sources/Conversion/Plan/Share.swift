import Containers
import Diagnostics

/// The share of a conversion that one process writes: every n-th file, counted from its number on.
public struct Share: Hashable, Sendable {
  /// The number of this share, counted from 1.
  public let number: Int
  /// The number of shares.
  public let count: Int

  /// Everything.
  public static let whole = Share(number: 1, count: 1)

  private init(number: Int, count: Int) { (self.number, self.count) = (number, count) }

  /// A share as it stands on the command line.
  /// - Throws: `Problem` of kind `usage`.
  public init(_ text: String) throws {
    let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let number = numbers[0], let count = numbers[1],
      (1...99_999).contains(count), (1...count).contains(number)
    else {
      throw Problem(
        .usage, "not a part of a conversion", expected: "I/N with 1 ≤ I ≤ N", found: text,
        remedy: "write the third of eight parts as --part 3/8")
    }
    self.init(number: number, count: count)
  }

  /// All shares of as many.
  public static func all(_ count: Int) -> [Share] {
    (1...count).map { Share(number: $0, count: count) }
  }

  /// Whether it has the file of that index.
  public func contains(_ index: Int) -> Bool { index % count == number - 1 }

  /// The name of its journal.
  var journalName: String { "\(OutputDirectory.journal)\(number)-of-\(count).jsonl" }

  /// The share whose journal has a name; nil for another file.
  init?(journalName name: String) {
    let prefix = OutputDirectory.journal, suffix = ".jsonl"
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
    let text = name.dropFirst(prefix.count).dropLast(suffix.count)
    try? self.init(text.split(separator: "-of-").joined(separator: "/"))
  }
}
