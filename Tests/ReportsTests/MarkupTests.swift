import Foundation
import Reports
import Testing

/// Text on a page stays text, and a page needs nothing but itself.
@Suite struct MarkupTests {
  @Test func textIsEscaped() {
    #expect(Markup("a<b & \"c\" > 'd'").html == "a&lt;b &amp; &quot;c&quot; &gt; 'd'")
    #expect(
      Markup("\u{0}\u{1b}[31m\u{85}\n\u{202e}\t").html
        == #"\0\u{1B}[31m\u{0085}"# + "\n" + #"\u{202E}"# + "\t")
    #expect(
      Markup("p", ["title": "\"><script>"], "<x>").html
        == "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;x&gt;</p>")
  }

  @Test func aPageLoadsAndRunsNothing() {
    let evil = "</style><script src=\"https://example.com\">"
    let chart = BarChart(evil, evil, unit: evil, [.init(evil, 1, kind: evil)])
    var table = DataTable(evil, [(evil, .code)])
    table.add([evil])
    let page = Page(
      evil, .init(.bad, evil, evil), [.init(evil, [chart.markup, table.markup, .lines([evil])])],
      maker: evil
    ).html
    #expect(page.hasPrefix(Page.signature))
    for text in ["<script", "<link", "<img", "src=", "@import", "url("] {
      #expect(!page.contains(text) || text == "src=", "\(text)")
    }
    #expect(!page.contains("src=\""))
    #expect(page.components(separatedBy: "</style>").count == 2)
  }
}
