import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// The pages that `verify --report` and `inspect --html` write: one file, the verdict first, the numbers
/// of the JSON document.
@Suite struct PageTests {
  private let folder: TemporaryDirectory
  private let page: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    page = folder.path.appending("page.html")
  }

  private var html: String {
    get throws { String(decoding: try Fixtures.contents(page), as: UTF8.self) }
  }

  /// The text of the first element of a class.
  private func verdict(_ html: String) -> String {
    let start = html.range(of: "<p class=\"verdict")?.lowerBound ?? html.endIndex
    return html[start...].prefix(while: { $0 != "/" }).split(separator: ">").last.map(String.init)
      ?? ""
  }

  private func count(_ text: String, in html: String) -> Int {
    html.components(separatedBy: text).count - 1
  }

  private func expectWhole(_ html: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(html.hasPrefix("<!doctype html>\n<html lang=\"en\">"), sourceLocation: sourceLocation)
    #expect(html.hasSuffix("</html>\n"), sourceLocation: sourceLocation)
    for text in ["<script", "<link", "<img", " src=", "http:", "https:", "url(", "@import"] {
      #expect(!html.contains(text), "\(text)", sourceLocation: sourceLocation)
    }
    #expect(
      html.contains("@media screen and (prefers-color-scheme:dark)")
        && html.contains("@media print"),
      sourceLocation: sourceLocation)
  }

  @Test func aModelThatAgrees() throws {
    let model = Fixtures.path("huggingface/qwen3_next/bf16")
    let reference = model.appending("reference.safetensors").string
    let result = try GraftCommand.run(
      "verify", model.string, "--reference", reference, "--report", page.string)
    expectSuccess(result)
    let html = try html
    expectWhole(html)
    #expect(verdict(html) == "same<")
    // 74 and 80 positions in one piece, token by token, and twice more under names.
    let bars = count("<rect class=\"bar\"", in: html)
    #expect(bars == 74 * 4 + 80 * 2, "\(bars)")
    #expect(count("<rect class=\"disagree\"", in: html) == 0)
    #expect(count("<div class=\"card\">", in: html) == 6 * 3)
    #expect(html.contains("<li class=\"attention\"") && !html.contains("is the first outside"))
    #expect(html.contains("There is no graft.json"))
  }

  @Test func aModelThatDiffersInOneLayer() throws {
    let checkpoint = try EditableCheckpoint("lm-engine/gdn-hybrid")
    try checkpoint.editWeights { file in
      let name = "transformer.h.2.sequence_mixer.c_proj.weight"
      let bytes = file[name]?.bytes.count ?? 0
      file[name]?.bytes = Array(repeating: 0, count: bytes)
    }
    let result = try checkpoint.graft(
      "verify", "--reference", checkpoint.reference, "--report", page.string, "--json", seconds: 60)
    #expect(result.exitCode == 1, "\(result)")
    #expect(try result.json()["first_divergent_layer"] == 2)
    let html = try html
    expectWhole(html)
    #expect(verdict(html) == "differs<")
    #expect(html.contains("first divergent layer: 2 (attention)"))
    #expect(count("layer 2 ▾<", in: html) == 2)
    #expect(html.contains("<li class=\"attention marked\" title=\"layer 2: attention\">"))
    // The agreement of the document and the strip.
    let agreement = try result.json()["logits"]?["top1_agreement"]?.number ?? 0
    let wrong = 74 - Int((74 * agreement).rounded())
    #expect(wrong > 0 && html.contains("differs at \(wrong) of 74 positions"))
  }

  @Test func worstPositionsAreThoseOfTheReference() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.editWeights("reference.safetensors") { file in
      let width = file["logits"]?.shape[2] ?? 0
      // Token 17 becomes all but certain at position 3 of the first prompt.
      file["logits"]?.floats[3 * width + 17] = 60
    }
    let result = try checkpoint.graft(
      "verify", "--reference", checkpoint.reference, "--report", page.string)
    #expect(result.exitCode == 1, "\(result)")
    let html = try html
    let card = html.range(of: "<h3>").map { String(html[$0.lowerBound...].prefix(900)) } ?? ""
    #expect(card.hasPrefix("<h3>position 3, in one piece</h3>"), "\(card)")
    #expect(card.contains("<td class=\"number\">17</td><td class=\"number\">1.00</td>"), "\(card)")
  }

  @Test func whatIsRefusedIsOnThePage() throws {
    let other = try EditableCheckpoint("huggingface/qwen4_exp/released-f32")
    try other.editConfig { $0["seed"] = 5 }
    let model = Fixtures.path("options/gdn-small").string
    let result = try GraftCommand.run(
      "verify", model, other.path.string, "--report", page.string)
    expectRefusal(result, 65, ["do not follow from the config"])
    let html = try html
    expectWhole(html)
    #expect(verdict(html) == "refused<" && html.contains("do not follow from the config"))
  }

  @Test func inspectShowsWhatTheRecordSays() throws {
    let out = try folder.convert(Fixtures.path("trained/pytiny"), "out", "--dtype", "f32")
    expectSuccess(try GraftCommand.run("inspect", out.string, "--html", page.string, "--hash"))
    var html = try html
    expectWhole(html)
    #expect(verdict(html) == "lm-engine<" && html.contains("are those that graft.json records"))
    #expect(html.contains("<td>cast BF16 to F32</td>") && count("<code>", in: html) == 2 * 42)
    let file = out.appending("model.safetensors")
    var bytes = try Fixtures.contents(file)
    bytes[bytes.count - 1] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    expectSuccess(try GraftCommand.run("inspect", out.string, "--html", page.string, "--hash"))
    html = try self.html
    #expect(
      html.contains("1 tensor has other bytes") && count("<tr class=\"marked\">", in: html) == 1)
  }

  @Test func onlyAPageIsReplaced() throws {
    let model = Fixtures.path("trained/pytiny").string
    let file = try folder.write("notes.html", "my notes".utf8)
    let result = try GraftCommand.run("inspect", model, "--html", file.string)
    expectRefusal(result, 73, [file.string, "not a page"])
    #expect(try Fixtures.contents(file) == Array("my notes".utf8))
    for _ in 0..<2 {
      expectSuccess(try GraftCommand.run("inspect", model, "--html", page.string))
    }
    let nowhere = folder.path.appending("none/page.html").string
    expectRefusal(try GraftCommand.run("inspect", model, "--html", nowhere), 73, [nowhere])
    expectRefusal(try GraftCommand.run("inspect", model, "--hash"), 64, ["--html"])
  }
}
