/// What stops the work, as data: what it is, where it is, what was expected and found.
///
/// It is the only type that the toolkit throws. Whichever module notices a problem throws it, and it is
/// turned into words in one place, `Problem.text`. Callers that know more than the thrower add it on the
/// way up with `locating(_:)`, which never overwrites what is already known. What one pass finds is
/// thrown together: the first problem, which decides the exit code, with the others.
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
  /// Where in that file, where it is a document that people write: `tensors[3].weave.parts[0]`.
  public var place: String?
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
  /// What the same pass found after it, in that order; none of them has others of its own.
  public private(set) var others: [Problem] = []

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
}

extension Problem {
  /// Everything that one pass found, which is at least one problem.
  public init(all problems: [Problem]) {
    let each = problems.flatMap(\.each)
    self = each[0]
    others = Array(each.dropFirst())
  }

  /// Throws everything that one pass found, if it found anything.
  public static func throwIfAny(_ problems: [Problem]) throws(Problem) {
    if !problems.isEmpty { throw Problem(all: problems) }
  }

  /// This problem and the others, each by itself.
  public var each: [Problem] {
    var first = self
    first.others = []
    return [first] + others
  }

  /// The same problem, this and the others changed alike.
  public func changed(_ change: (inout Problem) -> Void) -> Problem {
    var copy = self
    change(&copy)
    for index in copy.others.indices { change(&copy.others[index]) }
    return copy
  }
}

extension Error {
  /// The problems behind an error, each by itself.
  public var asProblems: [Problem] { (self as? Problem)?.each ?? [Problem(.io, "\(self)")] }
}
