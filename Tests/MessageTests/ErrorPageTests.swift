import Foundation
import GraftTestSupport
import Testing

/// Every message as a whole, against the page that documents them.
@Suite struct ErrorPageTests {
  private static let messages = Result { try ErrorPage.messages() }

  @Test func thePageIsWhatTheToolSays() throws {
    let text = ErrorPage.text(try Self.messages.get())
    if ProcessInfo.processInfo.environment["GRAFT_RECORD"] != nil {
      try Data(text.utf8).write(to: URL(fileURLWithPath: ErrorPage.path.string))
      Issue.record("the page was written anew: look at the difference, then run the tests again")
      return
    }
    let recorded = String(decoding: try Fixtures.contents(ErrorPage.path), as: UTF8.self)
    let pairs = zip(text.components(separatedBy: "\n"), recorded.components(separatedBy: "\n"))
    for (found, expected) in pairs where found != expected {
      Issue.record("docs/errors.md says \"\(expected)\", but it is \"\(found)\": see make errors")
      return
    }
    #expect(text == recorded)
  }

  /// A message without a remedy leaves a person alone; the parser of the command line has its own.
  @Test func everyMessageSaysWhatToDo() throws {
    let people = try Self.messages.get().filter { $0.section != MessageSection.calls.title }
    for (section, when, message) in people where !message.text.contains("Usage:") {
      #expect(
        message.text.contains("  to do ") || message.text.contains("\nto do: "),
        "\(section), \(when):\n\(message.text)")
    }
  }

  /// Whatever can be said in `Sources` is on the page, or on the list of what no test can provoke.
  @Test func everyProblemIsOnThePage() throws {
    let texts = try Self.messages.get().map(\.message.text).joined(separator: "\n")
    let problems = try SourceProblem.all()
    for problem in problems {
      let isShown = texts.withCString(problem.isSaid)
      let isListed = Unprovoked.whats.contains(problem.what)
      #expect(isShown != isListed, "\(problem.file): \(problem.what)\(isListed ? " is shown" : "")")
    }
    let known = Set(problems.map(\.what))
    for what in Unprovoked.whats { #expect(known.contains(what), "nobody says: \(what)") }
  }
}
