import Diagnostics
import JSON

/// What the settings of an adapter say of its arithmetic.
struct AdapterConfig {
  /// Which program's arithmetic and names an adapter has.
  enum Family: String {
    case peft = "PEFT"
    case mlx = "MLX"
    case gguf = "GGUF"
  }

  let family: Family
  /// The base that it was trained on, as the trainer named it.
  let base: String?
  /// The rank where no pattern says another; nil where nothing is said.
  let rank: Int?
  /// Whether the norms of rows are kept apart, as DoRA does.
  let isDoRA: Bool
  /// The tensors, by the end of their names, that are changed without a module of their own.
  let parameters: [String]
  /// The modules that were trained whole, by the end of their names.
  let saved: [String]
  /// Whether a head that is the embedding was trained with it.
  let keepsTies: Bool
  /// Whether a change is rounded to the type of the weight before the sum is, as MiCA does.
  let roundsChange: Bool
  /// The tokens whose rows are replaced, by module; nil for all modules.
  let tokens: [(module: String?, indices: [Int])]
  private let alpha: Double
  private let isRankStabilised: Bool
  private let ranks, alphas: [(pattern: ModuleEnding, value: Double)]
  private let fixedScale: Double?

  /// The largest number that is taken for a rank.
  static let mostRank = 65_536

  /// What the product of the factors of a module is multiplied with.
  /// - Parameter rank: that of the stored factors.
  func scale(of module: String, rank: Int) -> Double {
    if let fixedScale { return fixedScale }
    let alpha = alphas.first { $0.pattern.matches(module) }?.value ?? alpha
    return isRankStabilised ? alpha / Double(rank).squareRoot() : alpha / Double(rank)
  }

  /// The rank that a module should have; nil where nothing says it.
  func expectedRank(of module: String) -> Int? {
    ranks.first { $0.pattern.matches(module) }.map { Int($0.value) } ?? rank
  }
}

extension AdapterConfig {
  /// Reads the settings of an adapter file of llama.cpp.
  /// - Parameter alpha: `adapter.lora.alpha`.
  init(gguf alpha: Double, base: String?) {
    (family, self.base, rank, isDoRA) = (.gguf, base, nil, false)
    (parameters, saved, tokens, ranks, alphas) = ([], [], [], [], [])
    (self.alpha, isRankStabilised, fixedScale) = (alpha, false, alpha == 0 ? 1 : nil)
    (keepsTies, roundsChange) = (false, false)
  }

  /// Reads `adapter_config.json`.
  /// - Throws: `Problem` of kind `unsupported` for a method that is not merged, `invalid` for numbers that
  ///   cannot be meant.
  init(_ value: JSONValue) throws {
    guard let object = value.object else {
      throw Problem(
        .invalid, "the settings of an adapter are not a JSON object", expected: "an object",
        found: value.kindName, remedy: "fetch adapter_config.json again")
    }
    if object["peft_type"] == nil,
      object["fine_tune_type"] != nil || object["lora_parameters"] != nil
    {
      try self.init(mlx: object)
    } else {
      try self.init(peft: object)
    }
  }

  private init(mlx object: JSONObject) throws {
    let kind = object["fine_tune_type"]?.string ?? "lora"
    guard ["lora", "dora", "full"].contains(kind) else {
      throw Self.unknown("fine_tune_type", kind)
    }
    let parameters = object["lora_parameters"]
    (family, base) = (.mlx, object["model"]?.string)
    isDoRA = kind == "dora"
    rank = try parameters?["rank"].map { try Self.rank($0, "lora_parameters.rank") }
    let scale = try parameters?["scale"].map { try Self.number($0, "lora_parameters.scale") }
    guard kind == "full" || scale != nil else {
      throw Self.wrong("lora_parameters.scale", "a number", "nothing")
    }
    fixedScale = scale ?? 1
    (self.parameters, saved, tokens, ranks, alphas) = ([], [], [], [], [])
    (alpha, isRankStabilised, keepsTies, roundsChange) = (1, false, false, false)
  }

  private init(peft object: JSONObject) throws {
    guard let type = object["peft_type"]?.string else {
      throw Problem(
        .invalid, "the settings of an adapter do not say what kind of adapter it is",
        expected: "peft_type, or fine_tune_type of mlx-lm", found: "neither",
        remedy: "fetch adapter_config.json again, or save the adapter anew")
    }
    guard type.uppercased() == "LORA" else { throw Self.unknown("peft_type", type) }
    try Self.refuseVariants(object)
    (family, base) = (.peft, object["base_model_name_or_path"]?.string)
    rank = try Self.rank(object["r"] ?? 8, "r")
    alpha = try Self.number(object["lora_alpha"] ?? 8, "lora_alpha")
    isDoRA = object["use_dora"] == .bool(true)
    isRankStabilised = object["use_rslora"] == .bool(true)
    fixedScale = nil
    parameters = (object["target_parameters"]?.array ?? []).compactMap(\.string)
    saved = (object["modules_to_save"]?.array ?? []).compactMap(\.string)
    keepsTies = object["ensure_weight_tying"] == .bool(true)
    roundsChange = object["init_lora_weights"]?.string?.lowercased() == "mica"
    tokens = try Self.tokens(object["trainable_token_indices"] ?? .null)
    ranks = try Self.patterns(object["rank_pattern"]) { Double(try Self.rank($0, $1)) }
    alphas = try Self.patterns(object["alpha_pattern"], Self.number)
  }

  private static func patterns(
    _ value: JSONValue?, _ read: (JSONValue, String) throws -> Double
  ) throws -> [(pattern: ModuleEnding, value: Double)] {
    try (value?.object?.entries ?? []).map {
      (try ModuleEnding($0.key), try read($0.value, $0.key))
    }
  }

  private static func tokens(_ value: JSONValue) throws -> [(module: String?, indices: [Int])] {
    func list(_ value: JSONValue) throws -> [Int] {
      try (value.array ?? []).map { index in
        guard let number = index.int, number >= 0 else {
          throw wrong("trainable_token_indices", "numbers of tokens", index.text(indent: 0))
        }
        return number
      }
    }
    if let object = value.object { return try object.entries.map { ($0.key, try list($0.value)) } }
    return value.array == nil ? [] : [(nil, try list(value))]
  }

  private static func rank(_ value: JSONValue, _ key: String) throws -> Int {
    guard let rank = value.int, (1...mostRank).contains(rank) else {
      throw wrong(key, "1 to \(mostRank)", value.text(indent: 0))
    }
    return rank
  }

  private static func number(_ value: JSONValue, _ key: String) throws -> Double {
    guard let number = value.number, number.isFinite else {
      throw wrong(key, "a finite number", value.text(indent: 0))
    }
    return number
  }

  private static func wrong(_ key: String, _ expected: String, _ found: String) -> Problem {
    Problem(
      .invalid, "a setting of an adapter cannot be meant", expected: "\(key): \(expected)",
      found: found, remedy: "correct \(key), or fetch adapter_config.json again")
  }

  private static func unknown(_ key: String, _ found: String) -> Problem {
    Problem(
      .unsupported, "adapters of this kind are not merged", expected: "LoRA",
      found: "\(key): \(found)",
      remedy: "merge it with the library that trained it, and give the merged model")
  }
}

extension AdapterConfig {
  /// Keys that do not change what is merged.
  private static let harmless: Set<String> = [
    "task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision",
    "inference_mode", "r", "target_modules", "exclude_modules", "lora_alpha", "lora_dropout",
    "fan_in_fan_out", "bias", "use_rslora", "modules_to_save", "layers_to_transform",
    "layers_pattern", "rank_pattern", "alpha_pattern", "megatron_config", "megatron_core",
    "trainable_token_indices", "loftq_config", "eva_config", "use_dora", "qalora_group_size",
    "runtime_config", "lora_bias", "target_parameters", "ensure_weight_tying", "init_lora_weights",
    "lora_ga_config", "corda_config",
  ]
  /// Ways to begin that also change the base, which a directory of the adapter alone does not hold.
  private static let movingBase = ["pissa", "olora", "corda", "loftq", "lora_ga"]

  /// Refuses kinds of LoRA that compute something else.
  private static func refuseVariants(_ object: JSONObject) throws {
    if let start = object["init_lora_weights"]?.string?.lowercased(),
      movingBase.contains(where: start.hasPrefix)
    {
      throw Problem(
        .unsupported, "the adapter belongs to a base that its first step changed",
        expected: "init_lora_weights that leaves the base as it is", found: start,
        remedy: "save it with path_initial_model_for_weight_conversion, or merge it with PEFT")
    }
    for (key, value) in object.entries where !harmless.contains(key) && value.isSet {
      throw Problem(
        .unsupported, "the adapter uses a kind of LoRA that is not merged",
        expected: "\(key) not set",
        found: "\(key): \(value.text(indent: 0).prefix(60))",
        remedy: "merge it with PEFT, and give the merged model")
    }
  }
}

extension JSONValue {
  /// Whether a key says anything.
  fileprivate var isSet: Bool {
    self != .null && self != .bool(false) && array?.isEmpty != true
      && object?.entries.isEmpty != true
  }
}
