/// One thing that stops the work, as data: what it is, where it is, what was expected and found.
///
/// A problem is thrown by whichever module notices it and turned into words in one place,
/// `Problem.text`. Places that know more than the thrower add it on the way up with `inFile(_:)`,
/// `inTensor(_:)` and `inLayer(_:)`, which never overwrite what is already known.
public struct Problem: Error, Hashable, Sendable {
  /// The family of a problem, which decides the exit code.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// The command line asks for something that cannot be meant.
    case usage
    /// An input is there and is not what it should be.
    case invalid
    /// An input is not there.
    case missing
    /// The request is understood but not supported, or not exact.
    case unsupported
    /// The output exists already or cannot be created.
    case exists
    /// The operating system refused to read or write.
    case io
  }

  /// The family, which decides the exit code.
  public var kind: Kind
  /// What is wrong, one clause without a full stop.
  public var what: String
  /// The file in which it was seen.
  public var file: String?
  /// The stored name of the tensor.
  public var tensor: String?
  /// The index of the layer.
  public var layer: Int?
  /// What should have been there.
  public var expected: String?
  /// What was there.
  public var found: String?
  /// What to do about it, an imperative clause.
  public var remedy: String?

  /// Describes one problem; leave out what does not apply.
  public init(
    _ kind: Kind, _ what: String, file: String? = nil, tensor: String? = nil, layer: Int? = nil,
    expected: String? = nil, found: String? = nil, remedy: String? = nil
  ) {
    self.kind = kind
    self.what = what
    self.file = file
    self.tensor = tensor
    self.layer = layer
    self.expected = expected
    self.found = found
    self.remedy = remedy
  }

  /// The same problem, placed in a file unless it already names one.
  public func inFile(_ file: String) -> Problem {
    var copy = self
    copy.file = self.file ?? file
    return copy
  }

  /// The same problem, placed at a tensor unless it already names one.
  public func inTensor(_ tensor: String) -> Problem {
    var copy = self
    copy.tensor = self.tensor ?? tensor
    return copy
  }

  /// The same problem with something to do about it, unless it says so already.
  /// - Parameter kind: the family that it is advice for; nil for any.
  public func advised(_ remedy: String, for kind: Kind? = nil) -> Problem {
    guard kind == nil || kind == self.kind else { return self }
    var copy = self
    copy.remedy = self.remedy ?? remedy
    return copy
  }

  /// The same problem, placed in a layer unless it already names one.
  public func inLayer(_ layer: Int) -> Problem {
    var copy = self
    copy.layer = self.layer ?? layer
    return copy
  }
}

/// Several problems found in one pass and reported together.
///
/// The first one decides the exit code.
public struct ProblemList: Error, Hashable, Sendable {
  /// The problems, in the order in which they were found; never empty.
  public let problems: [Problem]

  /// A list of at least one problem.
  public init(problems: [Problem]) {
    precondition(!problems.isEmpty)
    self.problems = problems
  }

  /// Throws what was collected: nothing, the single problem, or the list.
  public static func throwIfAny(_ problems: [Problem]) throws {
    if problems.count == 1 { throw problems[0] }
    if !problems.isEmpty { throw ProblemList(problems: problems) }
  }
}

extension Problem {
  /// Runs `body` and gives every problem it throws the same place.
  /// - Parameter place: adds what the caller knows, such as `{ $0.inFile(path) }`.
  public static func placing<Result>(
    _ place: (Problem) -> Problem, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let problem as Problem {
      throw place(problem)
    } catch let list as ProblemList {
      throw ProblemList(problems: list.problems.map(place))
    }
  }
}

extension Error {
  /// The problems behind an error of this toolkit.
  public var asProblems: [Problem] {
    switch self {
    case let problem as Problem: [problem]
    case let list as ProblemList: list.problems
    default: [Problem(.io, "\(self)")]
    }
  }
}
