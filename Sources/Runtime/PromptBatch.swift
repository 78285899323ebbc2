import Canonical

/// Prompts that run through a model from empty states, several of them in one pass over the weights
/// where they are short.
public final class PromptBatch {
  /// Some consecutive positions of a prompt.
  public struct Slice: Hashable, Sendable {
    /// Which of the prompts.
    public let prompt: Int
    /// The positions.
    public let positions: Range<Int>

    /// A slice of a prompt.
    public init(prompt: Int, positions: Range<Int>) {
      (self.prompt, self.positions) = (prompt, positions)
    }
  }

  /// What runs together, in order: prompts one after the other, each from front to back.
  public let segments: [[Slice]]
  /// Every position alone, in the same order.
  public var steps: some Sequence<[Slice]> {
    prompts.indices.lazy.flatMap { prompt in
      self.prompts[prompt].indices.lazy.map { [Slice(prompt: prompt, positions: $0..<$0 + 1)] }
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
  static func segments(_ lengths: [Int], limit: Int) -> [[Slice]] {
    var segments: [[Slice]] = [[]]
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
          Slice(prompt: prompt, positions: start..<start + count))
        start += count
        room -= count
      }
    }
    return segments.filter { !$0.isEmpty }
  }

  /// Runs one of the segments, after those before it.
  /// - Returns: the logits of each slice, in memory of the workspace; valid until its next use.
  /// - Throws: as `Model.forward`.
  public func run(
    _ segment: [Slice], logits: LogitsSelection = .all,
    observer: ForwardObserver = ForwardObserver()
  ) throws -> [Rows] {
    let inputs = try segment.map { slice in
      (tokens: prompts[slice.prompt][slice.positions], state: try state(of: slice))
    }
    let rows = try model.forward(batch: inputs, workspace, logits: logits, observer: observer)
    for slice in segment where slice.positions.upperBound == prompts[slice.prompt].count {
      states[slice.prompt] = nil
    }
    return rows
  }

  /// The state of a prompt, made when it begins and dropped when it ends.
  private func state(of slice: Slice) throws -> SequenceState {
    if let state = states[slice.prompt] {
      precondition(state.position == slice.positions.lowerBound)
      return state
    }
    let state = try SequenceState(
      model, capacity: prompts[slice.prompt].count, segmentLength: workspace.segmentLength)
    states[slice.prompt] = state
    return state
  }
}
