import Reports
import Testing

/// Messages on a terminal: few rows, and what to do.
@Suite struct ShortMessageTests {
  private func rows(_ text: String, _ width: Int) -> Int {
    text.split(separator: "\n").reduce(0) { $0 + max(1, ($1.count + width - 1) / width) }
  }

  @Test func shortMessagesStay() {
    let text = "graft x: wrong\n  file      a\n  to do     mend it"
    #expect(ShortMessage.text(text, width: 80) == text)
  }

  @Test(arguments: [20, 40, 80, 200]) func longOnesKeepTheRemedy(_ width: Int) {
    let list = (1...9).map { "- problem \($0)\n  expected  \(String(repeating: "x", count: 60))" }
    let text = "graft x: 9 problems\n" + list.joined(separator: "\n") + "\nto do: look"
    let short = ShortMessage.text(text, width: width)
    #expect(rows(short, width) <= ShortMessage.rows + (width < 40 ? 1 : 0), "\(short)")
    #expect(
      short.hasPrefix("graft x: 9 problems\n") && short.hasSuffix("-v shows them\nto do: look"))
  }

  /// The remedy of the last of several problems is not that of the first.
  @Test func aRemedyOfOneProblemIsNotThatOfAll() {
    let list = (1...5).map { "- problem \($0)\n  to do     mend \($0)" }
    let short = ShortMessage.text("graft x: 5 problems\n" + list.joined(separator: "\n"), width: 80)
    #expect(rows(short, 80) == 8 && !short.contains("mend 5"), "\(short)")
  }

  @Test func oneLongLineIsCut() {
    let text =
      "graft x: none\n  expected  " + String(repeating: "a, ", count: 300) + "\n  to do     choose"
    let short = ShortMessage.text(text, width: 60)
    #expect(rows(short, 60) == 4 && short.contains("…\n  … -v shows the whole message"), "\(short)")
  }
}
