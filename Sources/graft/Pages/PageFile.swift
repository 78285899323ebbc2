import Containers
import Diagnostics
import Reports
import SystemPackage
import Tensors

/// The file of a page: its place is tried before the work begins, and it appears complete.
struct PageFile {
  private let path: FilePath

  /// Checks that a page can be written to a path.
  /// - Throws: `Problem` of kind `exists` where something else than a page is there.
  init(_ path: String) throws {
    self.path = FilePath(path)
    _ = try OutputFile(at: self.path, replacing: Self.mark)
  }

  /// Writes the page; a page that is there is replaced.
  func write(_ page: Page) throws {
    try OutputFile.write(Array(page.html.utf8), to: path, replacing: Self.mark)
  }

  /// The test by which a page is recognised; nothing but a page may be replaced by one.
  private static let mark = FileMark("page") { file in
    withExtendedLifetime(file) { file.bytes.starts(with: Page.signature.utf8) }
  }

  /// Does work that makes a page; where it cannot be done, the page says why.
  func perform(_ title: String, _ work: () throws -> (Outcome, Page)) throws -> Outcome {
    let (outcome, page): (Outcome, Page)
    do {
      (outcome, page) = try work()
    } catch {
      try write(.refusal(title, error.asProblems))
      throw error
    }
    try write(page)
    return outcome
  }
}

extension Page {
  /// A page with the name and version of the tool below it.
  init(_ title: String, _ verdict: Verdict, _ sections: [Section]) {
    self.init(title, verdict, sections, maker: "graft \(Graft.configuration.version)")
  }

  /// A page that says why the work was not done.
  fileprivate static func refusal(_ title: String, _ problems: [Problem]) -> Page {
    let isOne = problems.count == 1
    let verdict = Verdict(
      .bad, "refused", isOne ? problems[0].what : "for \(problems.count) reasons")
    return Page(
      title, verdict,
      [Section(isOne ? "Reason" : "Reasons", problems.map { .lines([$0.text]) })])
  }
}
