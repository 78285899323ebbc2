import JSON

/// What a config, or a file beside it, says of quantised weights.
public struct QuantisationClaim: Hashable, Sendable {
  /// The method as its tools call it; nil for FP8 with scales, which layouts describe.
  public let method: String?
  /// The word for the library whose parts of weights are claimed, such as `gptq`.
  public let word: String
  /// The bits of a weight, where the claim says it; several where tensors differ.
  let widths: [Int]
  /// The key of the config, or the name of the file.
  public let evidence: String
  /// What is said.
  public let value: JSONValue

  /// Whether scales of activations lie beside weights in FP8, which layouts describe.
  public var hasActivationScales: Bool {
    method == nil && value["activation_scheme"]?.string == Quantisation.staticScheme
  }

  /// The keys of a config that hold such a claim.
  static let keys = [
    "quantization_config", "quantization", "compression_config", "quantize_config", "quant_config",
  ]

  /// The first claim of a config, at the top or in an object there, or of a file; nil for none.
  /// - Parameter files: the parsed files beside the config, by name.
  public static func first(_ config: JSONValue?, _ files: [String: JSONValue])
    -> QuantisationClaim?
  {
    for object in objects(of: config) {
      for key in keys {
        if case .object(let claim)? = object[key] { return QuantisationClaim(claim, key) }
      }
    }
    return files.sorted { $0.key < $1.key }.lazy
      .compactMap { name, value in value.object.map { QuantisationClaim(file: $0, name) } }.first
  }

  /// The config and the objects in it that may hold claims.
  private static func objects(of config: JSONValue?) -> [JSONObject] {
    guard let top = config?.object else { return [] }
    return [top]
      + top.entries.compactMap { key, value in keys.contains(key) ? nil : value.object }
  }

  private init(_ claim: JSONObject, _ key: String) {
    evidence = key
    widths = Self.widths(claim)
    method = Self.method(claim, key)
    word = Self.word(of: claim)
    value = .object(claim)
  }

  private init(file: JSONObject, _ name: String) {
    let claim = file["quantization"]?.object ?? file
    let producer = file["producer"]?.object?["name"]?.string
    let algorithm = claim["quant_algo"]?.string ?? claim["quant_method"]?.string
    let words = [producer, algorithm].compactMap(\.self)
    evidence = name
    widths = Self.widths(claim)
    method = words.isEmpty ? "a method of \(name)" : words.joined(separator: " ")
    word = Self.word(claim) ?? Self.files[name] ?? ""
    value = .object(file)
  }

  /// The libraries that write each of the files.
  static let files = [
    "hf_quant_config.json": "modelopt", "quantize_config.json": "gptq", "quant_config.json": "awq",
  ]

  /// The word of a claim of a config, of which MLX's alone have none.
  static func word(of claim: JSONObject) -> String {
    word(claim) ?? (claim["group_size"] == nil ? "" : "mlx")
  }

  /// The word for the method of the claim; where a tool names itself, the word of the library whose format
  /// it writes.
  private static func word(_ claim: JSONObject) -> String? {
    guard let word = claim["quant_method"]?.string else { return nil }
    guard word == "auto-round" else { return word }
    let format = claim["packing_format"]?.string ?? ""
    return ["gptq", "awq"].first(where: format.contains) ?? word
  }

  private static func method(_ claim: JSONObject, _ key: String) -> String? {
    switch claim["quant_method"]?.string {
    case "fp8": claim["expert_dtype"]?.string == "fp4" ? "fp8 with fp4 experts" : nil
    case let method?: method
    case nil where claim["group_size"] != nil: "MLX \(claim["mode"]?.string ?? "affine")"
    case nil: key == "quantization_config" ? nil : "\(key) of an unknown kind"
    }
  }

  private static func widths(_ claim: JSONObject) -> [Int] {
    if claim["load_in_4bit"] == .bool(true) { return [4] }
    if claim["load_in_8bit"] == .bool(true) { return [8] }
    if let bits = [claim["bits"], claim["w_bit"]].lazy.compactMap({ $0?.int }).first {
      return [bits]
    }
    let groups = claim["config_groups"]?.object?.entries.map(\.value) ?? []
    return Set(groups.compactMap { $0["weights"]?["num_bits"]?.int }).sorted()
  }
}

extension JSONValue {
  /// The keys that claim quantised weights, with the object they stand in.
  public var quantisationKeys: [String] {
    guard let object else { return [] }
    return QuantisationClaim.keys.filter { object[$0] != nil && object[$0] != .null }
      + object.entries.flatMap { name, value in
        QuantisationClaim.keys.contains(name)
          ? [] : value.ownQuantisationKeys.map { "\(name)/\($0)" }
      }
  }

  private var ownQuantisationKeys: [String] {
    object.map { object in
      QuantisationClaim.keys.filter { object[$0] != nil && object[$0] != .null }
    } ?? []
  }

  /// The config of the model before it was quantised.
  public var withoutQuantisation: JSONValue { removingQuantisation(depth: 1) }

  private func removingQuantisation(depth: Int) -> JSONValue {
    guard case .object(var object) = self else { return self }
    for key in QuantisationClaim.keys { object[key] = nil }
    guard depth > 0 else { return .object(object) }
    for (key, value) in object.entries where value.object != nil {
      object[key] = value.removingQuantisation(depth: depth - 1)
    }
    return .object(object)
  }
}
