/// How the tokenizer of Kimi's models cuts text into words.
///
/// Source: `tokenization_kimi.py` of the models.
enum KimiWords {
  /// The kinds of words as the original writes them, the ones that are tried first first: Chinese; letters that
  /// end small; letters that begin large; numbers; signs; ends of lines; spaces.
  static let alternatives = [
    #"[\p{Han}]+"#,
    before + large + "*" + small + "+" + ending, before + large + "+" + small + "*" + ending,
    #"\p{N}{1,3}"#, #" ?[^\s\p{L}\p{N}]+[\r\n]*"#, #"\s*[\r\n]+"#, #"\s+(?!\S)"#, #"\s+"#,
  ]

  /// The same as Swift understands it: there a script's name alone also means letters that other scripts share
  /// with it.
  static var expression: String {
    alternatives.joined(separator: "|").replacing(#"\p{Han}"#, with: #"\p{Script=Han}"#)
  }

  private static let before = #"[^\r\n\p{L}\p{N}]?"#
  private static let large = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"#
  private static let small = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"#
  private static let ending = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
}
