import Containers
import Diagnostics

/// The tensors of an adapter by what they do.
struct AdapterTensors {
  /// What belongs to one module, or to one of the tensors of a module that has no others.
  struct Module {
    /// The name of the module in the model.
    fileprivate(set) var name: String
    var a, b: AdapterTensor?
    /// Whether the factors are those of an embedding, which are transposed.
    var isEmbedding = false
    var magnitude: AdapterTensor?
    var bias: AdapterTensor?
    var tokens: AdapterTensor?
  }

  /// The modules, in the order of the file.
  private(set) var modules: [Module] = []
  /// Tensors that take the place of others, by the name of the other.
  private(set) var replacements: [(name: String, tensor: AdapterTensor)] = []
  private var places: [String: Int] = [:]

  private enum Piece {
    case a, b, embeddingA, embeddingB, magnitude, bias, tokens
  }

  /// What every name of PEFT begins with.
  private static let wrapper = "base_model.model."
  private static let nested = ".base_layer"
  /// What names of whole tensors hold where an adapter stands around their module.
  private static let wrappers: Set<String> = ["base_layer", "token_adapter"]

  /// What names hold where a module was compiled, divided among processes or computed twice.
  private static let trainers: Set<String> = [
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]

  private static let endings: [(String, Piece)] = [
    ("lora_A", .a), ("lora_B", .b), ("lora_a", .a), ("lora_b", .b),
    ("lora_embedding_A", .embeddingA), ("lora_embedding_B", .embeddingB),
    ("lora_magnitude_vector", .magnitude), ("token_adapter.trainable_tokens_delta", .tokens),
  ]

  /// Sorts the tensors of a file.
  /// - Throws: `Problem` of kind `invalid` where a factor has no other, `unsupported` for names or types that
  ///   are not merged.
  init(_ tensors: [StoredTensor], _ family: AdapterConfig.Family) throws {
    for tensor in tensors {
      let name = Self.unwrapped(tensor.name)
      try tensor.checkFloat()
      try tensor.checkFinite()
      try add(tensor, name, family)
    }
    try Problem.throwIfAny(modules.compactMap(Self.unpaired))
  }

  /// The name in the model: without what PEFT begins with, and what other programs put around modules.
  private static func unwrapped(_ name: String) -> String {
    let plain =
      name.contains("._") || name.hasPrefix("_")
      ? name.split(separator: ".", omittingEmptySubsequences: false)
        .filter { !trainers.contains(String($0)) }.joined(separator: ".") : name
    return plain.hasPrefix(wrapper) ? String(plain.dropFirst(wrapper.count)) : plain
  }

  private mutating func add(_ tensor: StoredTensor, _ name: String, _ family: AdapterConfig.Family)
    throws
  {
    if let (module, piece) = Self.split(name) {
      put(tensor, piece, of: module)
    } else if family == .mlx, name.hasSuffix(".m") {
      put(tensor, .magnitude, of: String(name.dropLast(2)))
    } else if name.contains(".original_module.") {
      return
    } else if ["lora_", "lokr_", "hada_", "ia3_", "oft_"].contains(where: name.contains) {
      throw Problem(
        .unsupported, "a tensor of the adapter is of a kind that is not merged", file: tensor.file,
        tensor: tensor.name, expected: "lora_A and lora_B, or whole tensors",
        remedy: "merge it with the library that trained it, and give the merged model")
    } else {
      replacements.append((Self.replaced(name), tensor))
    }
  }

  private mutating func put(_ tensor: StoredTensor, _ piece: Piece, of module: String) {
    let place = places[module] ?? modules.count
    if place == modules.count {
      places[module] = place
      modules.append(Module(name: module.replacing(Self.nested, with: "")))
    }
    switch piece {
    case .a, .embeddingA: modules[place].a = tensor
    case .b, .embeddingB: modules[place].b = tensor
    case .magnitude: modules[place].magnitude = tensor
    case .bias: modules[place].bias = tensor
    case .tokens: modules[place].tokens = tensor
    }
    if piece == .embeddingA { modules[place].isEmbedding = true }
  }

  /// The module of a name, nested wrappers included, and which of its pieces the name is.
  ///
  /// The name of the adapter may stand behind that of the piece, as in a state that was saved as it is.
  private static func split(_ name: String) -> (module: String, piece: Piece)? {
    for (ending, piece) in endings {
      guard let found = name.range(of: "." + ending), found.lowerBound > name.startIndex else {
        continue
      }
      let rest = name[found.upperBound...].split(separator: ".")
      guard name[found.upperBound...].first.map({ $0 == "." }) ?? true, rest.count <= 2 else {
        continue
      }
      let module = String(name[..<found.lowerBound])
      if piece == .b, rest.last == "bias" { return (module, .bias) }
      return (module, piece)
    }
    return nil
  }

  /// The name of the tensor in whose place another was saved.
  private static func replaced(_ name: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if let place = parts.firstIndex(of: "modules_to_save") {
      parts.remove(at: place)
      if parts.count - place > 1 { parts.remove(at: place) }
    }
    return parts.filter { !wrappers.contains(String($0)) }.joined(separator: ".")
  }

  /// The same tensors of a model that is part of another; nil where one of them is.
  func below(_ prefix: String) -> AdapterTensors? {
    let names = modules.map(\.name) + replacements.map(\.name)
    guard !names.contains(where: { $0.hasPrefix(prefix) }) else { return nil }
    var whole = self
    for place in whole.modules.indices { whole.modules[place].name = prefix + modules[place].name }
    whole.replacements = replacements.map { (prefix + $0.name, $0.tensor) }
    return whole
  }

  private static func unpaired(_ module: Module) -> Problem? {
    guard (module.a == nil) != (module.b == nil) else { return nil }
    let other = module.a ?? module.b
    return Problem(
      .invalid, "a factor of the adapter has no other", file: other?.file, tensor: other?.name,
      expected: "lora_A and lora_B of \(module.name)",
      found: module.a == nil ? "lora_B alone" : "lora_A alone",
      remedy: "fetch the adapter again, or save it anew")
  }
}

extension String {
  /// The last place of some text.
  fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).last }
}
