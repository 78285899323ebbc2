/// A page that is one file: it loads nothing and runs nothing.
public struct Page {
  /// How the page is to be taken, in a word and a sentence.
  public struct Verdict {
    /// Whether the word is good news.
    public enum Tone: String, Sendable {
      case good
      case bad
      case plain
    }

    let tone: Tone
    let word: String
    let sentence: String

    /// A verdict from its parts.
    public init(_ tone: Tone, _ word: String, _ sentence: String) {
      (self.tone, self.word, self.sentence) = (tone, word, sentence)
    }
  }

  /// A part of the page under a heading.
  public struct Section {
    let title: String
    let content: [Markup]

    /// A section from its parts.
    public init(_ title: String, _ content: [Markup]) {
      (self.title, self.content) = (title, content)
    }

    /// What a link calls the section: its letters and digits.
    fileprivate var id: String {
      String(title.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }
  }

  private let title: String
  private let verdict: Verdict
  private let sections: [Section]
  private let maker: String

  /// A page from its parts.
  /// - Parameter maker: the tool and its version.
  public init(_ title: String, _ verdict: Verdict, _ sections: [Section], maker: String) {
    (self.title, self.verdict, self.sections, self.maker) = (title, verdict, sections, maker)
  }

  /// The whole file.
  public var html: String {
    let head = Markup(
      "head",
      [
        .meta(["charset": "utf-8"]),
        .meta(["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        .meta(["name": "generator", "content": maker]),
        Markup("title", title), .style(PageStyle.rules),
      ])
    let body = Markup("body", [Markup("main", header + sections.map(body)), footer])
    return "<!doctype html>\n" + Markup("html", ["lang": "en"], [head, body]).html + "\n"
  }

  /// How every page begins.
  public static let signature = "<!doctype html>"

  private var header: [Markup] {
    let verdict = Markup(
      "p", ["class": "verdict \(verdict.tone.rawValue)"],
      [Markup("strong", verdict.word), Markup(" "), Markup("span", verdict.sentence)])
    let links = sections.map { Markup("a", ["href": "#\($0.id)"], $0.title) }
    return [Markup("h1", title), verdict]
      + (links.count > 2 ? [Markup("nav", ["aria-label": "Sections"], links)] : [])
  }

  private func body(_ section: Section) -> Markup {
    Markup(
      "section", ["id": section.id], [Markup("h2", section.title)] + section.content)
  }

  private var footer: Markup { Markup("footer", maker) }
}

extension Markup {
  /// A paragraph.
  public static func paragraph(_ text: String) -> Markup { Markup("p", text) }

  /// Lines as they stand on a terminal.
  public static func lines(_ lines: [String]) -> Markup {
    Markup("pre", ["tabindex": "0"], lines.joined(separator: "\n"))
  }

  /// What can be unfolded.
  public static func details(_ summary: String, _ content: [Markup]) -> Markup {
    Markup("details", [Markup("summary", summary)] + content)
  }

  /// Pairs of a label and what it stands for.
  public static func list(_ entries: [(label: String, text: String)]) -> Markup {
    Markup("dl", entries.flatMap { [Markup("dt", $0.label), Markup("dd", $0.text)] })
  }
}
