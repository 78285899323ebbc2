/// What the name of a stored tensor tells of quantised weights.
enum PackedName {
  /// Last parts of names that only one kind of quantisation has.
  private static let marks: [String: String] = [
    "qweight": "gptq or awq", "qzeros": "gptq or awq", "g_idx": "gptq", "absmax": "bitsandbytes",
    "quant_map": "bitsandbytes", "nested_absmax": "bitsandbytes", "SCB": "bitsandbytes",
    "bitsandbytes__nf4": "bitsandbytes", "bitsandbytes__fp4": "bitsandbytes",
    "weight_packed": "compressed-tensors", "weight_global_scale": "compressed-tensors",
    "weight_zero_point": "compressed-tensors", "weight_scale_2": "nvfp4", "W_q": "hqq",
    "_data": "quanto", "_scale": "quanto", "_shift": "quanto", "codebooks": "aqlm",
    "q_weight": "exl2", "trellis": "exl3", "Qidxs": "quip#",
  ]
  /// Ends of last parts, where a format puts the name of the weight before them.
  private static let endings = [
    "qdata": "torchao", "_qweight": "gptq or awq", "_packed": "compressed-tensors",
    "_absmax": "bitsandbytes", "_qzeros": "gptq or awq",
  ]

  /// The method that a name alone gives away; nil for most names.
  static func method(of name: String) -> String? {
    if name.hasSuffix(".weight") { return nil }  // as nearly all names do
    let last = self.last(of: name)
    return marks[last] ?? endings.first { last.hasSuffix($0.key) }?.value
  }

  /// Parts of words that only scales, offsets and codes of quantised weights have.
  private static let words = [
    "scale", "zero", "qweight", "packed", "absmax", "amax", "quant", "qdata", "g_idx", "biases",
    "scb", "codebook", "qparam", "lookup_table", "_zp",
  ]

  /// Whether a tensor is named like a scale or another part of a weight that stands beside it.
  static func isPart(_ name: String, isWeight: (String) -> Bool) -> Bool {
    method(of: name) != nil || weight(of: name, isWeight: isWeight) != nil
  }

  /// The weight beside a tensor that is named like a scale or another part of it; nil for none.
  static func weight(of name: String, isWeight: (String) -> Bool) -> String? {
    let last = self.last(of: name).lowercased()
    guard words.contains(where: last.holds) else { return nil }
    return stems(of: name).lazy
      .flatMap { stem in ["", ".weight", "_weight", "_blocks"].map { stem + $0 } }
      .first { $0 != name && isWeight($0) }
  }

  /// Parts of names of tensors that accompany a weight but do not scale it: scales of inputs, outputs and
  /// caches, and offsets.
  private static let others = [
    "input", "output", "act", "k_scale", "v_scale", "zero", "_zp", "g_idx",
  ]

  /// Whether a part of a weight may be what its values are multiplied by.
  static func mayScale(_ name: String) -> Bool {
    let last = self.last(of: name).lowercased()
    return !others.contains(where: last.holds)
  }

  /// The names that a weight may have whose part a tensor is: without its last parts, or without the
  /// words that end it.
  private static func stems(of name: String) -> [String] {
    var stems: [String] = []
    var rest = name[...]
    while let end = rest.lastIndex(where: { $0 == "." || $0 == "_" }), end > rest.startIndex {
      rest = rest[..<end]
      stems.append(String(rest))
      if name[rest.endIndex...].count(where: { $0 == "." }) > 1 { break }
    }
    return stems
  }

  private static func last(of name: String) -> String {
    let end = name.utf8.lastIndex(of: UInt8(ascii: "."))
    return end.map { String(name[name.utf8.index(after: $0)...]) } ?? name
  }
}

extension String {
  /// Whether a word stands in the text, without the cost of comparing characters that may be several bytes.
  fileprivate func holds(_ word: String) -> Bool {
    let (text, word) = (Array(utf8), Array(word.utf8))
    guard text.count >= word.count else { return false }
    return (0...text.count - word.count).contains { place in
      text[place...].starts(with: word)
    }
  }
}
