/// How logits compare position by position, and which positions are worst.
///
/// Logits themselves are not kept: 16 bytes a position, and the first choices of a few.
public struct PositionLog: Sendable {
  /// One position.
  public struct Entry: Hashable, Sendable {
    /// The Kullback-Leibler divergence from the reference.
    /// - Units: nats.
    public let divergence: Double
    /// Whether both have the same largest logit.
    public let agrees: Bool
  }

  /// A token that a model gives a large share.
  public struct Choice: Hashable, Sendable {
    /// The token id.
    public let token: Int
    /// Its probability.
    public let probability: Double
  }

  /// A position at which the models are far apart.
  public struct Worst: Hashable, Sendable {
    /// The prompt, counted from 0.
    public let row: Int
    /// The position in the prompt, counted from 0.
    public let position: Int
    /// How the logits compare there.
    public let entry: Entry
    /// The largest absolute difference of a logit.
    public let maxAbs: Double
    /// What the reference holds most likely, best first.
    public let expected: [Choice]
    /// What the model holds most likely, best first.
    public let found: [Choice]
  }

  /// The positions of each prompt, one prompt after the other.
  public private(set) var entries: [Entry] = []
  /// The positions with the largest divergences, the largest first.
  public private(set) var worst: [Worst] = []

  /// The number of positions that are kept as the worst.
  public static let kept = 6
  /// The number of choices that are kept of each.
  private static let choices = 5

  /// A log without positions yet.
  public init() {}

  /// Adds a position.
  /// - Shape: both logits `[vocab]`.
  mutating func add(
    _ entry: Entry, row: Int, position: Int, _ logits: UnsafeBufferPointer<Float>,
    reference: UnsafeBufferPointer<Float>
  ) {
    entries.append(entry)
    let rank = worst.firstIndex { entry.isWorse(than: $0.entry) } ?? worst.count
    guard rank < Self.kept else { return }
    worst.insert(
      Worst(
        row: row, position: position, entry: entry,
        maxAbs: Self.largestDifference(logits, reference), expected: Self.best(reference),
        found: Self.best(logits)), at: rank)
    if worst.count > Self.kept { worst.removeLast() }
  }

  private static func largestDifference(
    _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
  ) -> Double {
    zip(a, b).reduce(0) { most, pair in
      let difference = abs(Double(pair.0) - Double(pair.1))
      return difference.isNaN || difference > most ? difference : most
    }
  }

  /// The most likely tokens, best first.
  private static func best(_ logits: UnsafeBufferPointer<Float>) -> [Choice] {
    let norm = LogitComparison.logSumExp(logits)
    var best: [Int] = []
    for token in logits.indices {
      if best.count == choices, let last = best.last, !(logits[token] > logits[last]) { continue }
      let rank = best.firstIndex { logits[token] > logits[$0] } ?? best.count
      best.insert(token, at: rank)
      if best.count > choices { best.removeLast() }
    }
    return best.map {
      Choice(token: $0, probability: (Double(logits[$0]) - norm).exponential)
    }
  }
}

extension PositionLog.Entry {
  /// Whether the divergence is larger; what is not a number is larger than any.
  fileprivate func isWorse(than other: Self) -> Bool {
    other.divergence.isNaN ? false : divergence.isNaN || divergence > other.divergence
  }
}
