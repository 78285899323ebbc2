import Canonical

/// Prompts that run through a model from empty states, several of them in one pass over the weights
/// where they are short.
public final class PromptBatch {
  /// Some consecutive positions of a prompt.
  public struct Part: Hashable, Sendable {
    /// Which of the prompts.
    public let prompt: Int
    /// The positions.
    public let positions: Range<Int>

    /// A part of a prompt.
    public init(prompt: Int, positions: Range<Int>) {
      (self.prompt, self.positions) = (prompt, positions)
    }
  }

  /// What runs together, in order: prompts one after the other, each from front to back.
  public let segments: [[Part]]
  /// Every position alone, in the same order.
  public var steps: some Sequence<[Part]> {
    prompts.indices.lazy.flatMap { prompt in
      self.prompts[prompt].indices.lazy.map { [Part(prompt: prompt, positions: $0..<$0 + 1)] }
    }
  }
  private let model: Model
  private let workspace: Workspace
  private let prompts: [[Int]]
  private var states: [Int: SequenceState] = [:]

  /// A batch of prompts.
  /// - Parameter prompts: at least one token each.
  public init(_ model: Model, _ prompts: [[Int]], _ workspace: Workspace) {
    (self.model, self.prompts, self.workspace) = (model, prompts, workspace)
    segments = Self.segments(prompts.map(\.count), limit: workspace.segmentLength)
  }

  /// Fills segments with as much of the next prompts as they take.
  static func segments(_ lengths: [Int], limit: Int) -> [[Part]] {
    var segments: [[Part]] = [[]]
    var room = limit
    for (prompt, length) in lengths.enumerated() {
      var start = 0
      while start < length {
        if room == 0 {
          segments.append([])
          room = limit
        }
        let count = min(room, length - start)
        segments[segments.count - 1].append(
          Part(prompt: prompt, positions: start..<start + count))
        start += count
        room -= count
      }
    }
    return segments.filter { !$0.isEmpty }
  }

  /// Runs one of the segments, after those before it.
  /// - Returns: the logits of each part, in memory of the workspace; valid until its next use.
  /// - Throws: as `Model.forward`.
  public func run(
    _ segment: [Part], logits: LogitsSelection = .all,
    observer: ForwardObserver = ForwardObserver()
  ) throws -> [Rows] {
    let inputs = try segment.map { part in
      (tokens: prompts[part.prompt][part.positions], state: try state(of: part))
    }
    let rows = try model.forward(batch: inputs, workspace, logits: logits, observer: observer)
    for part in segment where part.positions.upperBound == prompts[part.prompt].count {
      states[part.prompt] = nil
    }
    return rows
  }

  /// The state of a prompt, made when it begins and dropped when it ends.
  private func state(of part: Part) throws -> SequenceState {
    if let state = states[part.prompt] {
      precondition(state.position == part.positions.lowerBound)
      return state
    }
    let state = try SequenceState(
      model, capacity: prompts[part.prompt].count, segmentLength: workspace.segmentLength)
    states[part.prompt] = state
    return state
  }
}
