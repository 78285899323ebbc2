import Canonical
import Diagnostics

/// Token sequences of one length, some to fit on and some to judge by.
public struct CalibrationSequences: Sendable {
  /// The sequences to fit on.
  public let fitting: [[Int]]
  /// The sequences to judge by.
  public let heldOut: [[Int]]
  /// The tokens of each.
  public let length: Int

  private static let lengths = [1024, 512, 256, 128, 64]
  private static let fewest = 16

  /// Cuts prompts into sequences of the longest of 1024, 512, … 64 tokens of which there are 16, but not
  /// longer than what the model was trained for; every eighth is held out, a shorter rest of a prompt
  /// left out.
  /// - Throws: `Problem` of kind `invalid` where there are too few tokens.
  public init(_ rows: [[Int]], for model: ModelConfiguration) throws {
    let limit = model.maximumPositions > 0 ? model.maximumPositions : .max
    func count(_ length: Int) -> Int { rows.reduce(0) { $0 + $1.count / length } }
    guard let length = Self.lengths.first(where: { $0 <= limit && count($0) >= Self.fewest })
    else {
      throw Problem(
        .invalid, "too few tokens to fit a layer",
        expected: "at least \(Self.fewest) pieces of \(Self.lengths.last ?? 0) tokens",
        found: "\(rows.reduce(0) { $0 + $1.count }) tokens in \(rows.count) prompts")
    }
    let all = rows.flatMap { row in
      stride(from: 0, through: row.count - length, by: length).map {
        Array(row[$0..<$0 + length])
      }
    }
    self.length = length
    fitting = all.enumerated().filter { $0.offset % 8 != 7 }.map(\.element)
    heldOut = all.enumerated().filter { $0.offset % 8 == 7 }.map(\.element)
  }

  /// One prompt, to fit on and to judge by.
  public init(only prompt: [Int]) {
    (fitting, heldOut, length) = ([prompt], [prompt], prompt.count)
  }

  /// The number of tokens to fit on.
  var fittingTokens: Int { fitting.count * length }
  /// The number of tokens that were not fitted on.
  var heldOutTokens: Int { fitting == heldOut ? 0 : heldOut.count * length }

  /// The longest segment of at most `limit` tokens into which the sequences can be cut.
  func segment(limit: Int) -> Int {
    (1...max(min(limit, length), 1)).last { length % $0 == 0 } ?? 1
  }
}
