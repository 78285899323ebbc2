import ArgumentParser
import Diagnostics
import JSON
import Opening
import Runtime
import Tokenizers
import Verification

/// `graft generate`: continues a prompt.
struct GenerateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continue a prompt, greedily or with seeded sampling, carrying state token by token.",
    discussion: """
      Example: graft generate fixtures/trained/pytiny --tokens fixtures/trained/pytiny/reference.safetensors \
      --count 20
      """)

  @Argument(help: "A checkpoint directory or a weight file.", completion: .file())
  var path: String
  @Option(help: "The number of tokens to generate.") var count = 64
  @Option(help: "What logits are divided by; 0 takes the largest.") var temperature = 0.0
  @Option(help: "The seed of the draws.") var seed: UInt64 = 0
  @OptionGroup var tokens: RequiredTokenOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard (1...1_000_000).contains(count) else {
      throw ValidationError("--count takes a number from 1 to 1000000.")
    }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature takes a number that is not negative.")
    }
  }

  func perform() throws -> Outcome {
    let opened = try OpenedModel(path, source, in: common.catalogue())
    let tokenizer = tokens.options.isText ? try opened.tokenizer() : nil
    let batch = try tokens.batch(for: opened, mayNameFile: true)
    try opened.requireHead()
    let model = try opened.runnable()
    let sampler = Sampler(temperature: temperature, seed: seed)
    let continuations = try common.watched(
      "generating", total: count * batch.rows.count, of: .tokens
    ) { advance in
      try batch.rows.map { try continuation(of: $0, model, sampler, advance) }
    }
    var json: JSONObject = [
      "generated": .array(continuations.map { .array($0.map { JSONValue($0) }) })
    ]
    guard let tokenizer else {
      return Outcome(json: json, text: continuations.map(spelled), isProse: true)
    }
    let texts = continuations.map { tokenizer.text($0) }
    json["text"] = .array(texts.map { .string($0) })
    return Outcome(json: json, text: texts, isProse: true)
  }

  private func continuation(
    of prompt: [Int], _ model: Model, _ sampler: Sampler, _ advance: (Int) -> Void
  ) throws -> [Int] {
    var generated: [Int] = []
    try locating(.file(path)) {
      try sampler.generate(model, prompt: prompt, count: count, threads: common.threads) {
        generated.append($0)
        advance(1)
        return true
      }
    }
    return generated
  }

  /// Ids between spaces, or the text that the bytes spell.
  private func spelled(_ generated: [Int]) -> String {
    guard tokens.options.file.bytes else {
      return generated.map(String.init).joined(separator: " ")
    }
    return String(decoding: generated.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
  }
}
