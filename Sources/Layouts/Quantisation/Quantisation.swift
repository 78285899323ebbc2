import Canonical
import Diagnostics
import JSON
import Tensors

/// FP8 weights with scales, as a config announces them.
public struct Quantisation: Hashable, Sendable {
  /// The size of a block that shares a scale; nil for one scale per tensor.
  public let block: BlockSize?
  /// The type of the weights, where the config states one.
  public let type: ScalarType?
  /// The modules whose weights are not quantised.
  public let exceptions: ModuleList

  static let exceptionKey = "modules_to_not_convert"
  static let exceptionAlias = "ignored_layers"
  private static let largestBlock = 1 << 20

  /// Reads the quantisation of a config.
  /// - Throws: `Problem` of kind `unsupported` for a kind of quantisation that Graft does not read,
  ///   `invalid` for a value that means nothing.
  /// - Parameter mayQuantiseEmbeddings: whether the embeddings that it lists are only carried.
  init(_ value: JSONValue, mayQuantiseEmbeddings: Bool = false) throws {
    guard case .object(let object) = value else {
      throw Problem(
        .invalid, "the value has the wrong type", expected: "an object",
        found: value.text(indent: 0))
    }
    try Self.refuse(object, "quant_method", unless: ["fp8"], isRequired: true)
    try Self.refuse(object, "activation_scheme", unless: ["dynamic"])
    try Self.refuse(object, "expert_dtype", unless: ["fp8"])
    try Self.refuse(object, "scale_fmt", unless: ["float", "ue8m0"])
    try Self.refuse(object, "fmt", unless: ["e4m3", "e5m2"])
    type = object["fmt"]?.string.map { $0 == "e4m3" ? .f8E4M3 : .f8E5M2 }
    block = try Self.block(object)
    let converted = try Self.names(object, "modules_to_convert") ?? []
    guard converted.isEmpty || mayQuantiseEmbeddings else {
      throw Problem(
        .unsupported, "quantised embeddings are not read", expected: "no modules_to_convert",
        found: object["modules_to_convert"]?.text(indent: 0))
    }
    exceptions = ModuleList(
      try Self.names(object, Self.exceptionKey) ?? Self.names(object, Self.exceptionAlias) ?? [])
  }

  /// The texts of a list; nil where there is none.
  private static func names(_ object: JSONObject, _ key: String) throws -> [String]? {
    guard let value = object[key], value != .null else { return nil }
    let names = value.array?.compactMap(\.string)
    guard let names, names.count == value.array?.count else {
      throw ConfigValue.wrongType(value, at: key, expected: "a list of texts or null")
    }
    return names
  }

  private static func refuse(
    _ object: JSONObject, _ key: String, unless known: [String], isRequired: Bool = false
  ) throws {
    let value = object[key] ?? .null
    if value == .null, !isRequired { return }
    guard let word = value.string, known.contains(word) else {
      throw Problem(
        .unsupported, "this kind of quantisation is not read",
        expected: "\(key) \(known.joined(separator: " or "))", found: value.text(indent: 0))
    }
  }

  /// Blocks of 128 × 128 where the config gives no size.
  private static func block(_ object: JSONObject) throws -> BlockSize? {
    guard let value = object["weight_block_size"] else { return BlockSize(rows: 128, columns: 128) }
    if value == .null { return nil }
    let sizes = value.array?.compactMap(\.int) ?? []
    guard sizes.count == 2, value.array?.count == 2,
      sizes.allSatisfy({ (1...largestBlock).contains($0) })
    else {
      throw Problem(
        .invalid, "weight_block_size is out of range",
        expected: "null or two numbers from 1 to \(largestBlock)", found: value.text(indent: 0))
    }
    return BlockSize(rows: sizes[0], columns: sizes[1])
  }
}

extension LayoutBinding {
  /// Whether a list of modules is true of these tensors.
  /// - Parameter quantised: the names of those that have scales.
  public func agrees(with quantisation: Quantisation, quantised: Set<String>) -> Bool {
    tensors.allSatisfy { tensor in
      let isListed = quantisation.exceptions.covers(tensor.module) == true
      return quantised.contains(tensor.name) ? !isListed : isListed || !tensor.isUsuallyQuantised
    }
  }

  /// The modules that a config of this layout lists as not quantised after a conversion.
  ///
  /// An entry of the source that names some of its modules names those of the target that hold the
  /// same roles, one by one if its own words no longer do, and goes if there are none; other entries
  /// stay. Matrices that are new or no longer quantised and that no entry covers are added.
  /// - Parameter quantised: the names of the target's tensors that have scales.
  public func exceptions(
    of quantisation: Quantisation, in source: LayoutBinding, quantised: Set<String>
  ) -> [String] {
    let plain = tensors.filter { !quantised.contains($0.name) && $0.isMatrix }
    let homes = Dictionary(
      plain.flatMap { tensor in tensor.parts.map { ($0.role, tensor.module) } },
      uniquingKeysWith: { first, _ in first })
    let before = source.tensors.filter(\.isMatrix)
    let modules = tensors.filter(\.isMatrix).map(\.module)
    var list: [String] = []
    var listed: Set<String> = []
    func add(_ name: String) { if listed.insert(name).inserted { list.append(name) } }
    let (covered, said) = (
      quantisation.exceptions.covered(of: before.map(\.module)),
      quantisation.exceptions.covered(of: modules)
    )
    for (place, pattern) in quantisation.exceptions.patterns.enumerated() {
      let here = covered[place].flatMap { before[$0].parts.compactMap { homes[$0.role] } }
      let isStillSaid = Set(said[place].map { modules[$0] }) == Set(here)
      if covered[place].isEmpty || (isStillSaid && !here.isEmpty) {
        add(pattern.text)
      } else {
        here.forEach(add)
      }
    }
    let listing = ModuleList(list)
    let wasPlain = Set(
      source.tensors.filter { $0.scales == nil }.flatMap { $0.parts.map(\.role) })
    for tensor in plain where listing.covers(tensor.module) != true {
      let isNew = tensor.parts.contains { !wasPlain.contains($0.role) }
      if tensor.isUsuallyQuantised || isNew { add(tensor.module) }
    }
    return list
  }
}

extension BoundTensor {
  /// The module that consumers quantise or not: the name without `.weight`, or, for experts that
  /// share a tensor, the module that holds it.
  var module: String {
    if name.hasSuffix(".weight") { return String(name.dropLast(".weight".count)) }
    return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }

  /// Whether the tensor holds matrices, the only tensors that are ever quantised.
  var isMatrix: Bool { parts.contains { $0.shape.count >= 2 } }

  /// Whether every consumer of an FP8 checkpoint takes the tensor to be quantised unless told
  /// otherwise; embeddings, heads, routers and the projections to single numbers are not.
  var isUsuallyQuantised: Bool { parts.allSatisfy { Self.quantisedRoles.contains($0.role.name) } }

  private static let quantisedRoles = RoleTable.names(.quantised)
}
