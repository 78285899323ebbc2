import Layouts
import Opening
import Runtime
import SystemPackage

/// Work of a whole model.
enum ModelTasks {
  private static func open(_ path: String) throws -> Model {
    try Model(OpenedModel(FilePath(path), catalogue: .builtIn()).canonical)
  }

  private static func tokens(_ count: Int, _ model: Model) -> [Int] {
    (0..<count).map { $0 &* 7_919 % model.configuration.vocabulary }
  }

  /// Runs a prompt from an empty state and computes the last logits.
  static func prefill(_ path: String, tokens count: Int, threads: Int) throws -> () throws -> Void {
    let model = try open(path)
    let workspace = try Workspace(model, threads: threads)
    let state = try SequenceState(model, capacity: count)
    let tokens = tokens(count, model)
    return {
      state.reset()
      try model.run(tokens, state, workspace, logits: .last) { _ in }
    }
  }

  /// Runs tokens one by one after a prompt of eight.
  static func decode(_ path: String, tokens count: Int, threads: Int) throws -> () throws -> Void {
    let model = try open(path)
    let workspace = try Workspace(model, threads: threads)
    let state = try SequenceState(model, capacity: count + 8)
    let tokens = tokens(count + 8, model)
    return {
      state.reset()
      try model.run(Array(tokens.prefix(8)), state, workspace, logits: .last) { _ in }
      for token in tokens.dropFirst(8) {
        try model.forward([token], state, workspace, logits: .last)
      }
    }
  }
}
