import Testing

@testable import Adapters

/// The patterns by which settings of an adapter choose modules, as Python's `re` reads them.
@Suite struct ModuleEndingTests {
  private static let module = "model.layers.10.self_attn.q_proj"

  @Test(arguments: [
    "q_proj", "self_attn.q_proj", "model.layers.10.self_attn.q_proj", "(q|k)_proj", "[qk]_proj",
    "[^.]+_proj", #"layers\.\d+\.self_attn\..*"#, #"layers\.1[0-3]\..+"#, "^model.*q_proj$",
    #"layers\.\d{2}\..*"#, #"(?:model\.)?layers\.(0|10)\.\w+\.q_proj"#, "q_pro[a-m]?j", "q*_proj",
    "(a|)q_proj", "((q_)+|k_)proj", "q_proj|k_proj", #"layers\.\d{1,}\.\D+"#, "(.*)", "q_proj+?",
  ])
  func matches(_ pattern: String) throws {
    #expect(try ModuleEnding(pattern).matches(Self.module))
  }

  @Test(arguments: [
    "proj", "k_proj", "attn.q_proj", "[^q]_proj", #"layers\.\d\..*"#, "^layers.*", "q_proj$.",
    "(k|v)_proj", #"layers\.\d{3}\..*"#, "q_proj.", "Q_proj", "q{2}_proj", "", "x*",
  ])
  func doesNotMatch(_ pattern: String) throws {
    #expect(try !ModuleEnding(pattern).matches(Self.module))
  }

  @Test(arguments: [
    "q_(proj", "q_proj)", "(?=q)q_proj", "(?P<a>q)_proj", "[q", "*q", "q**", "q{3,1}", "q{x}",
    #"\bq_proj"#, #"(q)\1"#, "qé", #"q\"#, "((((((((((((((((((q))))))))))))))))))",
    "(((.{64}){64}){64}){64}",
  ])
  func othersAreRefused(_ pattern: String) {
    #expect(throws: (any Error).self) { try ModuleEnding(pattern) }
  }

  /// Each repetition within another would take the square of the time of a reader that goes back.
  @Test func noPatternTakesLong() throws {
    let name = String(repeating: "a", count: 2000)
    #expect(try !ModuleEnding("((((a*)*)*)*)*b").matches(name))
    #expect(try ModuleEnding("(a|a)*(a|a)*").matches(name))
  }
}
