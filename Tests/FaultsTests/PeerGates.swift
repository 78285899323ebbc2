import Foundation
import Runtime

/// Prompts as the checks of other tools use them, with the logits of the sound model.
struct PeerPrompts {
  /// A dozen prompts of six tokens, and one long one.
  let prompts: [[Int]]
  /// `[tokens, vocab]` for each prompt.
  let logits: [[Float]]

  init(_ model: Model, _ tokens: [Int]) throws {
    prompts = (0..<12).map { Array(tokens[$0 * 6..<$0 * 6 + 6]) } + [tokens]
    logits = try Self.run(model, prompts)
  }

  static func run(_ model: Model, _ prompts: [[Int]]) throws -> [[Float]] {
    let workspace = try Workspace(model, threads: 1)
    return try prompts.map { prompt in
      var logits: [Float] = []
      let state = try SequenceState(model, capacity: prompt.count)
      try model.run(prompt, state, workspace) { logits += Array($0.values) }
      return logits
    }
  }
}

/// What the checks of other tools compute; `docs/faults.md` names who uses which.
struct PeerGates {
  /// The median over short prompts, and the long prompt: of the last token alone.
  var cosine = (short: 1.0, long: 1.0)
  var nmse = (short: 0.0, long: 0.0)
  /// The share of the ten largest logits of the last token that both have.
  var topTen = 1.0
  /// The perplexity of the long prompt over that of the sound model.
  var perplexityRatio = 1.0

  init(_ model: Model, expected: PeerPrompts) throws {
    let vocabulary = model.configuration.vocabulary
    let found = try PeerPrompts.run(model, expected.prompts)
    let pairs = zip(found, expected.logits).map {
      (Array($0.suffix(vocabulary)), Array($1.suffix(vocabulary)))
    }
    let cosines = pairs.map(Self.cosine)
    let errors = pairs.map(Self.nmse)
    cosine = (Self.median(cosines.dropLast()), cosines.last ?? 1)
    nmse = (Self.median(errors.dropLast()), errors.last ?? 0)
    if let last = pairs.last { topTen = Self.topTen(last.0, last.1) }
    guard let prompt = expected.prompts.last, let here = found.last,
      let there = expected.logits.last
    else { return }
    let (mine, theirs) = (Self.loss(here, prompt), Self.loss(there, prompt))
    perplexityRatio = exp(mine - theirs)
  }

  /// The names of the gates that the fault passes.
  func missed(largestChange: Double) -> [String] {
    let passes: [(String, Bool)] = [
      ("cosine, short", cosine.short >= 0.99), ("cosine, long", cosine.long >= 0.99),
      ("NMSE, short", nmse.short < 1e-2), ("NMSE, long", nmse.long < 1e-2),
      ("perplexity", perplexityRatio <= 1.05), ("top 10", topTen >= 0.9),
      ("allclose", largestChange <= 0.1),
    ]
    return passes.filter(\.1).map(\.0)
  }

  private static func median(_ values: ArraySlice<Double>) -> Double {
    values.sorted()[values.count / 2]
  }

  private static func cosine(_ a: [Float], _ b: [Float]) -> Double {
    func dot(_ x: [Float], _ y: [Float]) -> Double {
      zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }

  private static func nmse(_ a: [Float], _ b: [Float]) -> Double {
    let mean = b.reduce(0.0) { $0 + Double($1) } / Double(b.count)
    let variance = b.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return zip(a, b).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) } / variance
  }

  private static func topTen(_ a: [Float], _ b: [Float]) -> Double {
    func largest(_ values: [Float]) -> Set<Int> {
      Set(values.indices.sorted { values[$0] > values[$1] }.prefix(10))
    }
    return Double(largest(a).intersection(largest(b)).count) / Double(min(10, a.count))
  }

  /// The mean negative log-likelihood of each next token.
  private static func loss(_ logits: [Float], _ prompt: [Int]) -> Double {
    let vocabulary = logits.count / prompt.count
    let losses = (1..<prompt.count).map { position in
      let row = logits[(position - 1) * vocabulary..<position * vocabulary].map(Double.init)
      let peak = row.max() ?? 0
      return log(row.reduce(0) { $0 + exp($1 - peak) }) + peak - row[prompt[position]]
    }
    return losses.reduce(0, +) / Double(losses.count)
  }
}
