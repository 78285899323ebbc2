extension Problem {
  /// Where a problem was met, as the caller of the one who noticed it knows.
  public enum Location: Hashable, Sendable {
    /// In a file; nil says nothing.
    case file(String?)
    /// At a key, or an index in brackets, of a document; it leads to the place that is known already.
    case place(String)
    /// At a tensor, by its stored name.
    case tensor(String, layer: Int? = nil)
    case layer(Int)
  }

  /// The same problem in a place, unless it names one already.
  public func located(_ location: Location) -> Problem {
    changed { problem in
      switch location {
      case .file(let file): problem.file = problem.file ?? file
      case .place(let place): problem.place = place + (problem.place.map(Self.step) ?? "")
      case .tensor(let tensor, let layer):
        problem.tensor = problem.tensor ?? tensor
        problem.layer = problem.layer ?? layer
      case .layer(let layer): problem.layer = problem.layer ?? layer
      }
    }
  }

  /// A place as it follows another: a key behind a full stop, an index as it is.
  private static func step(_ place: String) -> String { place.hasPrefix("[") ? place : "." + place }

  /// The same problem with something to do about it, unless it says so already.
  public func advised(_ remedy: String) -> Problem {
    changed { $0.remedy = $0.remedy ?? remedy }
  }
}

/// Does work whose problems are met in one place.
/// - Parameter remedy: what to do about those that say nothing of it.
/// - Throws: what `body` throws; a `Problem` names the place, unless it named one already.
public func locating<Result>(
  _ location: @autoclosure () -> Problem.Location, advising remedy: String? = nil,
  _ body: () throws -> Result
) throws -> Result {
  do {
    return try body()
  } catch let problem as Problem {
    let problem = problem.located(location())
    throw remedy.map { problem.advised($0) } ?? problem
  }
}

/// Does work about whose problems the same can be done, by their kind.
/// - Throws: what `body` throws; a `Problem` says what to do, unless it did so already.
public func advising<Result>(
  _ remedies: [Problem.Kind: String], _ body: () throws -> Result
) throws -> Result {
  do {
    return try body()
  } catch let problem as Problem {
    throw problem.changed { $0.remedy = $0.remedy ?? remedies[$0.kind] }
  }
}
