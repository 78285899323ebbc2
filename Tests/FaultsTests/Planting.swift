import Canonical
import Containers
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage

/// A fault planted in a copy of a sound checkpoint.
struct Planting {
  let fault: Fault
  let sound: SoundCheckpoint
  let copy: EditableCheckpoint
  let elements: StoredElements
  /// The layers that are spoilt; empty for what belongs to the model.
  let layers: [Int]
  /// The roles that were touched.
  var touched: Set<Role> = []
  var hasChanged = false

  var opened: OpenedModel { sound.opened }
  var configuration: ModelConfiguration { opened.configuration }

  /// Copies a checkpoint and plants the fault.
  /// - Throws: `NotApplicable` where that is not possible, or changes nothing.
  init(_ fault: Fault, in sound: SoundCheckpoint) throws {
    self.fault = fault
    self.sound = sound
    layers = try Self.layers(fault.layers, sound.opened.configuration)
    guard Self.has(fault.needs, sound.opened.configuration) else { throw NotApplicable() }
    copy = try EditableCheckpoint(copying: sound.path)
    elements = StoredElements(copy.path)
    for step in fault.steps { try plant(step) }
    try elements.write()
    guard hasChanged || elements.hasChanged else { throw NotApplicable() }
  }

  private static func layers(_ text: String, _ configuration: ModelConfiguration) throws -> [Int] {
    func found(_ isWanted: (LayerConfiguration) -> Bool) throws -> [Int] {
      let list = configuration.layers.indices.filter { isWanted(configuration.layers[$0]) }
      guard !list.isEmpty else { throw NotApplicable() }
      return list
    }
    /// One of them, with another before it where there is one.
    func inner(_ list: [Int]) -> [Int] { [list[min(1, list.count - 1)]] }
    switch text {
    case "gdn": return inner(try found { $0.mixer.kind == "gdn" })
    case "gdn*": return try found { $0.mixer.kind == "gdn" }
    case "attention": return Array(try found { $0.mixer.kind == "attention" }.prefix(1))
    case "m2rnn": return inner(try found { $0.mixer.kind == "m2rnn" })
    case "kda": return inner(try found { $0.mixer.kind == "kda" })
    case "kda*": return try found { $0.mixer.kind == "kda" }
    case "mla": return Array(try found { $0.mixer.kind == "mla" }.prefix(1))
    case "dense": return inner(try found { $0.feedForward.kind == .dense })
    case "moe": return inner(try found { $0.feedForward.kind == .moe })
    case "ngram": return try found(\.ngrams.isPresent)
    case "all": return Array(configuration.layers.indices)
    default: return []
    }
  }

  private static func has(_ need: String?, _ configuration: ModelConfiguration) -> Bool {
    switch need {
    case "norm.zero_centred": configuration.normIsZeroCentred
    case "rope": configuration.position == .rope
    case "rope.partial":
      configuration.position == .rope && (configuration.ropeFraction ?? 1) < 1
    default: true
    }
  }

  /// The first layer whose output has to be wrong; nil where only the logits are.
  var expectedLayer: Int? {
    switch fault.place {
    case "first": return 0
    case "moe*": return configuration.layers.firstIndex { $0.feedForward.kind == .moe }
    default: break
    }
    if touched.contains(Role("embedding")) && configuration.isTied { return 0 }
    let own = touched.compactMap(\.layer).min()
    if touched.contains(where: { $0.name == "embedding" }) && fault.id == "embedding-rows" {
      return 0
    }
    return own ?? layers.first
  }

  private mutating func plant(_ step: JSONValue) throws {
    let words = step.array ?? []
    let verb = words.first?.string ?? ""
    let arguments = Array(words.dropFirst())
    if try plantFile(verb, arguments) {
      hasChanged = true
      return
    }
    guard !layers.isEmpty else { return try plantValues(verb, arguments, layer: nil) }
    for layer in layers { try plantValues(verb, arguments, layer: layer) }
  }

  /// The canonical tensor of a role in a layer, or in the model; nil where a `?` says that it may lack.
  mutating func tensor(_ name: String, _ layer: Int?) throws -> CanonicalTensor? {
    let isOptional = name.hasSuffix("?")
    let name = isOptional ? String(name.dropLast()) : name
    let isOfModel = RoleTable.scope(name) == .model
    if isOfModel, let layer, layer != layers.first { return nil }
    let role = Role(name, layer: isOfModel ? nil : layer)
    guard let tensor = opened.canonical.tensors[role] else {
      if isOptional { return nil }
      throw NotApplicable()
    }
    touched.insert(role)
    return tensor
  }
}
