import Testing

@testable import Layouts

/// Lists of modules, read as transformers reads them.
struct ModulePatternTests {
  @Test(arguments: [
    ("lm_head", "lm_head", true), ("layers.1", "layers.1.attn", true),
    ("layers.1", "layers.11.attn", false), ("mlp.gate", "model.layers.0.mlp.gate", true),
    ("mlp.gate", "model.layers.0.mlp.gate_proj", false),
    ("model.layers.0.mlp.gate", "model.layers.0.mlp.gate_proj", false),
    ("layers.*", "layers.11.attn", true), (".*gate", "model.mlp.gate", true),
    (".*gate", "model.mlp.gate_proj", false),
    ("model\\.layers\\.\\d+", "model.layers.12.mlp", true),
    ("model\\.layers\\.\\d+", "model.layers.x.mlp", false),
    ("model.visual.", "model.visual.a", true),
    ("(a|b)", "a", nil), ("fc1", "model.fc1", true), ("", "a", true),
  ])
  func matches(pattern: String, module: String, expected: Bool?) {
    #expect(ModulePattern(pattern).matches(module) == expected)
    #expect(ModuleList([pattern]).covers(module) == expected)
  }

  @Test func manyWildcardsAreNotTried() {
    let pattern = String(repeating: ".*a", count: 40) + "b"
    #expect(ModulePattern(pattern).matches(String(repeating: "a", count: 200)) == nil)
  }
}
