import Conversion
import Testing

/// Patterns of `--dtype-for`, in which a star stands for any text.
@Suite struct NamePatternTests {
  @Test(arguments: [
    ("*", ""), ("*", "a.b"), ("a.b", "a.b"), ("a*", "a"), ("a*", "a.b"), ("*b", "a.b"),
    ("a*b", "ab"), ("a*b", "a.x.b"), ("*.h.*.norm", "t.h.3.norm"), ("**", "x"), ("a**b", "ab"),
    ("*a*a*", "aa"), ("a*b*c", "abbc"), ("*é*", "xéy"), ("", ""), ("*aba*ba", "ababa"),
  ])
  func matches(_ pattern: String, _ name: String) {
    #expect(NamePattern(pattern).matches(name))
  }

  @Test(arguments: [
    ("", "a"), ("a", ""), ("a", "ab"), ("a", "ba"), ("a*b", "a"), ("ab*ba", "aba"), ("*a*a*", "a"),
    ("a*b*c", "acb"), ("*.weight", "weight"), ("h.*.x", "h.x"), ("A*", "a"), ("a?c", "abc"),
    ("*aba*ba", "aba"),
  ])
  func doesNotMatch(_ pattern: String, _ name: String) {
    #expect(!NamePattern(pattern).matches(name))
  }
}
