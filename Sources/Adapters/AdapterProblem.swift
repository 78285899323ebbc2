import Diagnostics
import Tensors

/// Why an adapter does not fit its base.
enum AdapterProblem {
  private static let otherBase = "give the base that the adapter was trained on"

  static func missing(_ names: [String], _ adapter: Adapter, in base: String) -> Problem {
    Problem(
      .invalid, "the adapter changes what the base has not", file: adapter.path,
      tensor: NameFolding.summary(names), expected: "tensors of \(base)",
      found: adapter.base.map { "an adapter for \($0)" } ?? "\(names.count) others",
      remedy: otherBase)
  }

  static func factors(
    _ a: AdapterTensor, _ b: AdapterTensor, of names: [String], _ shape: [Int]
  ) -> Problem {
    Problem(
      .invalid, "the factors of the adapter do not fit the tensor that they change", file: a.file,
      tensor: NameFolding.summary(names),
      expected: "a product of shape \(TensorShape.text(shape))",
      found: "\(a.name) \(TensorShape.text(a.shape)), \(b.name) \(TensorShape.text(b.shape))",
      remedy: otherBase)
  }

  static func shape(_ tensor: AdapterTensor, of name: String, _ expected: String) -> Problem {
    Problem(
      .invalid, "a tensor of the adapter has another shape than that of the base",
      file: tensor.file,
      tensor: tensor.name, expected: "\(expected), as \(name)",
      found: TensorShape.text(tensor.shape), remedy: otherBase)
  }

  static func alone(_ tensor: AdapterTensor) -> Problem {
    Problem(
      .invalid, "a part of the adapter has no factors", file: tensor.file, tensor: tensor.name,
      expected: "lora_A and lora_B beside it", remedy: "fetch the adapter again, or save it anew")
  }

  static func noMagnitude(_ module: String) -> Problem {
    Problem(
      .invalid, "the adapter has no norms although its settings say DoRA", tensor: module,
      expected: "lora_magnitude_vector", remedy: "fetch the adapter again, or save it anew")
  }

  static func strayNorms(_ magnitude: AdapterTensor) -> Problem {
    Problem(
      .invalid, "the adapter has norms although its settings do not say DoRA", file: magnitude.file,
      tensor: magnitude.name, expected: "use_dora true, or no norms",
      remedy: "fetch adapter_config.json and the weights of one and the same adapter")
  }

  static func dora(_ tensor: AdapterTensor) -> Problem {
    Problem(
      .unsupported, "DoRA is merged for matrices of PEFT alone", file: tensor.file,
      tensor: tensor.name, remedy: "merge it with the library that trained it")
  }

  static func convolution(_ factor: AdapterTensor) -> Problem {
    Problem(
      .unsupported, "the adapter changes a convolution", file: factor.file, tensor: factor.name,
      expected: "factors with two axes", found: TensorShape.text(factor.shape),
      remedy: """
        train it without convolutions among target_modules, because PEFT merges none that works on each \
        channel apart; any other one merges with PEFT
        """)
  }

  static func unsaved(_ modules: [String], _ adapter: String) -> Problem {
    Problem(
      .invalid, "the adapter lacks the modules that its settings call saved whole", file: adapter,
      expected: "modules_to_save: \(modules.joined(separator: ", "))",
      found: "no tensor of such a module", remedy: "fetch the adapter again, or save it anew")
  }

  static func twice(_ name: String, _ adapter: Adapter) -> Problem {
    Problem(
      .invalid, "the adapter changes the same rows of a tensor twice", file: adapter.path,
      tensor: name, expected: "one change of each",
      remedy: "fetch the adapter again, or save it anew")
  }

  static func untied(_ tensor: AdapterTensor, _ embedding: String) -> Problem {
    Problem(
      .unsupported, "the adapter changes a head that the base reads from its embedding",
      file: tensor.file, tensor: tensor.name, expected: "the values of \(embedding), or none",
      found: "others",
      remedy: "untie the base before it is trained, or merge it with PEFT into an untied one")
  }

  static func leftBehind(_ embedding: AdapterTensor) -> Problem {
    Problem(
      .unsupported,
      "the adapter changes an embedding apart from the head that reads it in the base",
      file: embedding.file, tensor: embedding.name,
      expected: "ensure_weight_tying, or the head saved beside it", found: "neither",
      remedy: "train it with ensure_weight_tying, or merge it with PEFT, which unties the head")
  }

  static func packed(_ names: [String], _ adapter: Adapter, _ found: String) -> Problem {
    Problem(
      .unsupported, "an adapter cannot be merged into packed weights", file: adapter.path,
      tensor: NameFolding.summary(names), expected: "F32, BF16 or F16", found: found,
      remedy: """
        add --dtype bf16 --allow lossy, which dequantises the base and rounds the sum once, or give the \
        base that was not quantised
        """)
  }
}
