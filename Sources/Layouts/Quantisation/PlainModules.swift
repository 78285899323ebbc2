import JSON
import Tensors

extension LayoutBinding {
  /// The modules of matrices that are not packed and were, or that are new.
  /// - Parameters:
  ///   - packed: the names of the weights that are packed.
  ///   - before: the names of those that were packed.
  ///   - stored: what was stored before.
  public func plainModules(packed: Set<String>, before: Set<String>, in stored: StoredHeaders)
    -> [String]
  {
    tensors.filter { tensor in
      tensor.isMatrix && tensor.name.hasSuffix(".weight") && !packed.contains(tensor.name)
        && (before.contains(tensor.name) || stored[tensor.name] == nil)
    }.map(\.module)
  }
}

extension LayoutBinding {
  /// The modules that are embeddings, of which quantisers do not think where they say which modules they
  /// mean.
  public var embeddings: Set<String> {
    Set(tensors.filter { $0.parts.contains { $0.role.name == "embedding" } }.map(\.module))
  }
}

extension JSONValue {
  /// The config with modules added to what it lists as not packed, wherever it claims packed weights and
  /// does not list them already.
  public func listingPlain(_ modules: [String]) -> JSONValue {
    guard !modules.isEmpty else { return self }
    return listingPlain(modules, depth: 1)
  }

  private func listingPlain(_ modules: [String], depth: Int) -> JSONValue {
    guard case .object(var object) = self else { return self }
    for (key, value) in object.entries {
      guard case .object(let inner) = value else { continue }
      if QuantisationClaim.keys.contains(key) {
        object[key] = .object(QuantisationClaim.listing(modules, in: inner))
      } else if depth > 0 {
        object[key] = value.listingPlain(modules, depth: depth - 1)
      }
    }
    return .object(object)
  }
}

extension QuantisationClaim {
  /// A file beside the config with modules added to what it lists as not packed.
  public static func listing(plain modules: [String], in value: JSONValue, of file: String)
    -> JSONValue
  {
    guard !modules.isEmpty, case .object(var object) = value else { return value }
    guard case .object(let inner)? = object["quantization"] else {
      return .object(listing(modules, in: object))
    }
    object["quantization"] = .object(
      listing(modules, in: inner, word: files[file] ?? "", key: "exclude_modules"))
    return .object(object)
  }

  /// The keys under which libraries list what is not packed.
  private static let listKeys = [
    "compressed-tensors": "ignore", "awq": "modules_to_not_convert",
    "bitsandbytes": "llm_int8_skip_modules", "modelopt": "ignore",
  ]

  /// A claim that lists more modules as plain.
  fileprivate static func listing(_ modules: [String], in claim: JSONObject) -> JSONObject {
    let word = word(of: claim)
    return listing(modules, in: claim, word: word, key: listKeys[word])
  }

  private static func listing(
    _ modules: [String], in claim: JSONObject, word: String, key: String?
  ) -> JSONObject {
    var claim = claim
    if word == "mlx" {
      for module in modules { claim[module] = .bool(false) }
    } else if word == "gptq" {
      claim["dynamic"] = dynamic(modules, claim["dynamic"]?.object)
    } else if let key {
      let list = claim[key]?.array ?? []
      // compressed-tensors marks regular expressions.
      let listed = ModuleList(
        list.compactMap(\.string).map { $0.hasPrefix("re:") ? String($0.dropFirst(3)) : $0 })
      claim[key] = .array(
        list + modules.filter { listed.covers($0) != true }.map { .string($0) })
    }
    return claim
  }

  /// The rules of GPTQModel, by which a pattern that begins with `-:` leaves modules plain.
  private static func dynamic(_ modules: [String], _ rules: JSONObject?) -> JSONValue {
    var rules = rules ?? [:]
    for module in modules { rules["-:^\(module.replacing(".", with: "\\."))$"] = [:] }
    return .object(rules)
  }
}
