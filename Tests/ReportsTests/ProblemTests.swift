import Diagnostics
import Testing

/// A problem, or several that are thrown as one.
@Suite struct ProblemTests {
  private static let first = Problem(.missing, "one", layer: 3)
  private static let second = Problem(.invalid, "two", file: "b", remedy: "mend it")

  private func caught(_ body: () throws -> Void) throws -> Problem {
    try #require(throws: Problem.self, performing: body)
  }

  @Test func placesAreAddedToAllAndNeverOverwritten() throws {
    let problem = try caught {
      try locating(.file("a"), advising: "fetch it") {
        try locating(.tensor("t", layer: 7)) {
          try Problem.throwIfAny([Self.first, Self.second])
        }
      }
    }
    #expect(problem.each.map(\.file) == ["a", "b"])
    #expect(problem.each.map(\.tensor) == ["t", "t"])
    #expect(problem.each.map(\.layer) == [3, 7])
    #expect(problem.each.map(\.remedy) == ["fetch it", "mend it"])
  }

  @Test func anUnknownFileSaysNothing() throws {
    let problem = try caught { try locating(.file(nil)) { throw Self.first } }
    #expect(problem == Self.first)
  }

  @Test func adviceIsForOneKind() throws {
    let problem = try caught {
      try advising([.missing: "fetch it"]) {
        try Problem.throwIfAny([Self.first, Problem(.io, "three")])
      }
    }
    #expect(problem.each.map(\.remedy) == ["fetch it", nil])
  }

  @Test func severalInSeveralAreOneList() throws {
    let inner = Problem(all: [Self.first, Self.second])
    let problem = Problem(all: [inner, Self.second])
    #expect(problem.each == [Self.first, Self.second, Self.second])
    #expect(problem.others == [Self.second, Self.second])
    #expect(problem.asProblems == problem.each)
    #expect(problem.exitCode == 66)
    #expect(Problem(all: [Self.second]) == Self.second)
    #expect(throws: Never.self) { try Problem.throwIfAny([]) }
  }

  @Test func aListCountsItsProblemsAndSaysASharedRemedyOnce() {
    let mended = Self.first.advised("mend it")
    #expect(
      Problem(all: [mended, Self.second]).text == """
        2 problems
        - one
          layer     3
        - two
          file      b
        to do: mend it
        """)
    #expect(Problem(all: [Self.first, Self.second]).text.hasSuffix("\n  to do     mend it"))
    #expect(Self.second.text == "two\n  file      b\n  to do     mend it")
  }

  @Test func errorsOfOthersPassUnchanged() {
    struct Other: Error {}
    #expect(throws: Other.self) { try locating(.layer(0)) { throw Other() } }
    #expect(Other().asProblems.map(\.kind) == [.io])
  }
}
