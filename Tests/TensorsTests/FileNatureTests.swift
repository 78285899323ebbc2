import Diagnostics
import GraftTestSupport
import Testing

@testable import Tensors

/// What files are by their first bytes.
@Suite struct FileNatureTests {
  private func nature(_ bytes: some Sequence<UInt8>) -> FileNature? {
    Array(bytes).withUnsafeBytes { FileNature($0) }
  }

  @Test(arguments: [
    ("options/gdn-small/model.safetensors", FileNature.safetensors),
    ("options/gdn-small/config.json", .json), ("gguf/qwen35-q8_0.gguf", .gguf),
    ("containers/torch/views.pt", .torch), ("containers/torch/legacy-views.pt", .torch),
    ("containers/torch/refused-pickle.pt", .pickle), ("containers/npz/stored.npz", .npz),
    ("README.md", .text),
  ])
  func filesOfTheFixtures(_ name: String, _ expected: FileNature) throws {
    #expect(try nature(Fixtures.bytes(name)) == expected)
  }

  @Test(arguments: [
    ("version https://git-lfs.github.com/spec/v1\r\nsize 5\r\n", FileNature.lfsPointer),
    ("\u{feff}\n <!DOCTYPE HTML>", .webPage), ("<HTML>", .webPage), ("<!-- x --><html>", .webPage),
    ("<?xml version='1.0'?>", .answer), (" {\"error\": 1}", .json), ("Not found", .text),
    ("schön über", .text),
  ])
  func texts(_ text: String, _ expected: FileNature) {
    #expect(nature(text.utf8) == expected)
  }

  /// A letter of several bytes may lie across the end of what is looked at.
  @Test(arguments: 0..<4) func textsAreCutAnywhere(_ shift: Int) {
    let text = String(repeating: "x", count: shift) + String(repeating: "\u{1d11e} ", count: 300)
    #expect(nature(text.utf8) == .text)
  }

  @Test(
    arguments: [
      [], [0x4e, 0x2e], [0, 1, 2, 3], [9, 0, 0, 0, 0, 0, 0, 0, 0x7b], [0x50, 0x4b, 3, 4], [0x80],
    ] as [[UInt8]])
  func bytesThatDoNotTell(_ bytes: [UInt8]) {
    #expect(nature(bytes) == nil)
  }

  /// Every beginning of a file is looked at without a trap, whatever it is cut to.
  @Test func anyBeginning() throws {
    for name in ["containers/torch/views.pt", "options/gdn-small/model.safetensors"] {
      let bytes = try Fixtures.bytes(name)
      for count in 0..<min(bytes.count, 600) { _ = nature(bytes.prefix(count)) }
    }
  }

  /// What went wrong is kept where the file is of the kind that was expected, or the system failed.
  @Test func otherReasonsStay() throws {
    let page = Array("<html>".utf8)
    func found(_ kind: Problem.Kind, as expected: FileNature) -> String? {
      page.withUnsafeBytes { bytes in
        #expect(throws: Problem.self) {
          try FileNature.reading(bytes, as: expected) { throw Problem(kind, "x") }
        }?.what
      }
    }
    #expect(found(.invalid, as: .json) == "the file is a web page (HTML)")
    #expect(found(.invalid, as: .webPage) == "x" && found(.io, as: .json) == "x")
  }
}
