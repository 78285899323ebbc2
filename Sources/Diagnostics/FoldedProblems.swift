/// Problems of many tensors, each once for all that it concerns.
public struct FoldedProblems {
  private var order: [Problem] = []
  private var names: [Problem: [String]] = [:]

  /// No problems yet.
  public init() {}

  /// Calls `body`, and keeps the problem that it throws.
  public mutating func collecting<Result>(_ tensor: String, _ body: () throws -> Result) -> Result?
  {
    do { return try body() } catch {
      for problem in error.asProblems { add(problem, tensor) }
      return nil
    }
  }

  /// Adds a problem of a tensor.
  public mutating func add(_ problem: Problem, _ tensor: String) {
    let name = problem.tensor ?? tensor
    let problem = problem.changed { $0.tensor = nil }
    if names[problem] == nil { order.append(problem) }
    names[problem, default: []].append(name)
  }

  /// - Throws: `Problem` where there were any.
  public func throwIfAny() throws {
    try Problem.throwIfAny(
      order.map { $0.located(.tensor(NameFolding.summary(names[$0] ?? []))) })
  }
}
