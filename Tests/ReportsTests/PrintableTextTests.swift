import Diagnostics
import Testing

/// Text that is safe to show.
@Suite struct PrintableTextTests {
  @Test func whatSteersIsSpelledOut() {
    #expect(
      PrintableText.text("a\u{1b}[31mb\u{7}\u{7f}\u{9b}c") == #"a\u{1B}[31mb\u{07}\u{7F}\u{009B}c"#)
    #expect(PrintableText.text("x\u{202e}y\u{2066}z") == #"x\u{202E}y\u{2066}z"#)
    #expect(PrintableText.text("one\r\ntwo\t") == #"one\r\ntwo\t"#)
    #expect(PrintableText.text("one\ntwo\t", keepsLines: true) == "one\ntwo\t")
    #expect(PrintableText.text("one\r\n", keepsLines: true) == #"one\r"# + "\n")
    for text in ["", "plain", "é 中 \u{1f468}\u{200d}\u{1f469} \u{200f}\u{5d0}", #"a\b"#] {
      #expect(PrintableText.text(text) == text)
    }
  }

  @Test func bytesThatAreNoTextAreSpelledOut() {
    #expect(PrintableText.text(of: [0x61, 0xff, 0x62]) == #"a\xFFb"#)
    #expect(PrintableText.text(of: [0xc3, 0xa9, 0xc3]) == #"é\xC3"#)
    #expect(PrintableText.text(of: [0x1b, 0xe2, 0x80, 0xae]) == #"\u{1B}\u{202E}"#)
    #expect(PrintableText.text(of: []) == "")
  }

  @Test func documentsStayExact() {
    #expect(
      PrintableText.json("{\n  \"\u{9b}\u{202e}é\": 1\n}") == "{\n  \"\\u009B\\u202Eé\": 1\n}")
  }
}
