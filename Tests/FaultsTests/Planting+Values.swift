import Canonical
import Containers
import Foundation
import GraftTestSupport
import JSON
import Tensors

/// Faults of values: elements that change places or become others.
extension Planting {
  private typealias Places = StoredElements.Places

  mutating func plantValues(_ verb: String, _ words: [JSONValue], layer: Int?) throws {
    let name = words.first?.string ?? ""
    switch verb {
    case "swap": try swap(name, words[1].string ?? "", layer)
    case "copy": try duplicate(name, words[1].string ?? "", layer)
    case "reorder": try reorder(name, words, layer)
    case "roll": try roll(name, words, layer)
    case "flip": try flip(name, words, layer)
    case "transpose": try transpose(name, layer)
    case "weave":
      try weave((words[0].array ?? []).compactMap(\.string), words[1].string ?? "1", layer)
    case "apply": try apply(name, words[1].string ?? "", layer)
    case "tail": try clear(name, from: 1 - (words[1].number ?? 0), to: 1, layer)
    case "hole": try clear(name, from: words[1].number ?? 0, to: words[2].number ?? 0, layer)
    case "exchange": try exchange(name, layer)
    case "swap-experts": try swapExperts(words[0].int ?? 0, words[1].int ?? 0, layer)
    case "roll-experts":
      for expert in 1..<(try size("E", layer)) { try swapExperts(expert - 1, expert, layer) }
    case "swap-expert-parts":
      let expert = words[0].int
      try swap(
        Role("expert.gate", layer: layer, expert: expert),
        Role("expert.up", layer: layer, expert: expert))
    default: throw CocoaError(.featureUnsupported)
    }
  }

  private func places(_ tensor: CanonicalTensor) throws -> Places {
    try elements.places(tensor, opened.checkpoint)
  }

  private mutating func places(_ role: Role) throws -> Places {
    guard let tensor = opened.canonical.tensors[role] else { throw NotApplicable() }
    touched.insert(role)
    return try places(tensor)
  }

  private mutating func swap(_ a: String, _ b: String, _ layer: Int?) throws {
    try swap(Role(a, layer: layer), Role(b, layer: layer))
  }

  private mutating func swap(_ a: Role, _ b: Role) throws {
    let (here, there) = (try places(a), try places(b))
    guard here.offsets.count == there.offsets.count else { throw NotApplicable() }
    try move(there, here)
  }

  /// Exchanges the elements of two tensors, which may differ in type.
  private func move(_ there: Places, _ here: Places) throws {
    if here.type == there.type {
      let kept = try elements.bits(here)
      try elements.put(try elements.bits(there), here)
      try elements.put(kept, there)
    } else {
      let kept = try elements.floats(here)
      try elements.put(try elements.floats(there), here)
      try elements.put(kept, there)
    }
  }

  private mutating func duplicate(_ from: String, _ to: String, _ layer: Int?) throws {
    let (source, target) = (try places(Role(from)), try places(Role(to)))
    touched = [Role(to)]
    try elements.put(try elements.floats(source), target)
  }

  /// The bits of a tensor as a plain tensor, its axes as they are or one of them as factors.
  private mutating func permute(
    _ name: String, _ layer: Int?, _ body: (PlainTensor) throws -> PlainTensor
  ) throws {
    guard let tensor = try tensor(name, layer) else { return }
    let places = try places(tensor)
    let values = try elements.bits(places).map(Int.init)
    let permuted = try body(PlainTensor(shape: tensor.shape, values: values))
    try elements.put(permuted.values.map { UInt32($0) }, places)
  }

  private func sizes(_ texts: JSONValue, _ layer: Int?) throws -> [Int] {
    try (texts.array ?? []).map { try size($0.string ?? "", layer) }
  }

  /// The value of a symbol of the layer, or of one that is derived here.
  private func size(_ text: String, _ layer: Int?) throws -> Int {
    var symbols = configuration.symbols(layer: layer)
    if let nv = symbols["nv"], let nk = symbols["nk"] { symbols["r"] = nv / nk }
    if let nh = symbols["nh"], let nkv = symbols["nkv"] { symbols["rh"] = nh / nkv }
    if let hd = symbols["hd"] { symbols["hd2"] = hd / 2 }
    if let heads = symbols["Nv"] { symbols["Nv2"] = heads / 2 }
    guard let size = try? SizeExpression(text).value(symbols), size > 0 else {
      throw NotApplicable()
    }
    return size
  }

  private mutating func reorder(_ name: String, _ words: [JSONValue], _ layer: Int?) throws {
    let factors = try sizes(words[2], layer)
    let order = (words[3].array ?? []).compactMap(\.int)
    try permute(name, layer) { tensor in
      // Without an axis the factors are those of all elements.
      guard let axis = words[1].int else {
        guard tensor.values.count == factors.reduce(1, *) else { throw NotApplicable() }
        return tensor.reshaped(factors).transposed(order).reshaped(tensor.shape)
      }
      guard tensor.shape[axis] == factors.reduce(1, *) else { throw NotApplicable() }
      return tensor.reordered(axis: axis, factors: factors, order: order)
    }
  }

  private mutating func roll(_ name: String, _ words: [JSONValue], _ layer: Int?) throws {
    let factors = try sizes(words[2], layer)
    let (axis, which) = (words[1].int ?? 0, words[3].int ?? 0)
    try permute(name, layer) { tensor in
      let shape = tensor.shape
      guard shape[axis] == factors.reduce(1, *) else { throw NotApplicable() }
      let split = Array(shape[..<axis]) + factors + Array(shape[(axis + 1)...])
      let count = factors[which]
      let table = (0..<count).map { ($0 + 1) % count }
      return tensor.reshaped(split).taken(axis: axis + which, table: table).reshaped(shape)
    }
  }

  private mutating func flip(_ name: String, _ words: [JSONValue], _ layer: Int?) throws {
    let axis = words[1].int ?? 0
    try permute(name, layer) { $0.taken(axis: axis, table: (0..<$0.shape[axis]).reversed()) }
  }

  private mutating func transpose(_ name: String, _ layer: Int?) throws {
    try permute(name, layer) { tensor in
      let rank = tensor.shape.count
      let order = Array(0..<rank - 2) + [rank - 1, rank - 2]
      guard tensor.shape[rank - 1] == tensor.shape[rank - 2] else { throw NotApplicable() }
      return tensor.transposed(order)
    }
  }

  /// Stores parts group by group where they are read one after the other.
  private mutating func weave(_ names: [String], _ groups: String, _ layer: Int?) throws {
    let tensors = try names.map { name in
      guard let tensor = try tensor(name, layer) else { throw NotApplicable() }
      return tensor
    }
    let places = try tensors.map(places)
    let count = try size(groups, layer)
    guard tensors.allSatisfy({ $0.shape[0] % count == 0 }),
      Set(places.map(\.type)).count == 1
    else { throw NotApplicable() }
    let parts = try zip(tensors, places).map {
      PlainTensor(shape: $0.shape, values: try elements.bits($1).map(Int.init))
    }
    let woven = PlainTensor.woven(
      parts, sizes: tensors.map { $0.shape[0] / count }, groups: count, axis: 0
    ).values.map { UInt32($0) }
    var start = 0
    for place in places {
      try elements.put(Array(woven[start..<start + place.offsets.count]), place)
      start += place.offsets.count
    }
  }

  /// Zeros in a share of a stored tensor.
  private mutating func clear(_ name: String, from: Double, to: Double, _ layer: Int?) throws {
    guard let tensor = try tensor(name, layer) else { return }
    let places = try places(tensor)
    let count = places.stored.count / places.width
    let range = Int(from * Double(count))..<Int(to * Double(count))
    guard range.count >= 16 else { throw NotApplicable() }
    let start = places.stored.lowerBound
    try elements.edit(places.file) { bytes in
      for index in start + range.lowerBound * places.width..<start + range.upperBound * places.width
      { bytes[index] = 0 }
    }
  }

  /// Exchanges a layer with another of the same kind, all of it or roles that begin in some way.
  private mutating func exchange(_ prefix: String, _ layer: Int?) throws {
    guard let layer else { throw NotApplicable() }
    let kind = configuration.layers[layer]
    let other = configuration.layers.indices.first { index in
      let candidate = configuration.layers[index]
      return index != layer
        && (prefix == "mlp"
          ? candidate.feedForward == kind.feedForward : candidate == kind)
    }
    guard let other else { throw NotApplicable() }
    for role in opened.canonical.tensors.keys where role.layer == layer {
      guard prefix != "mlp" || role.name.hasPrefix("mlp.") else { continue }
      try swap(role, Role(role.name, layer: other, expert: role.expert))
    }
  }

  private mutating func swapExperts(_ a: Int, _ b: Int, _ layer: Int?) throws {
    for name in ["expert.gate", "expert.up", "expert.down"] {
      try swap(Role(name, layer: layer, expert: a), Role(name, layer: layer, expert: b))
    }
  }

  private mutating func apply(_ name: String, _ function: String, _ layer: Int?) throws {
    guard let tensor = try tensor(name, layer) else { return }
    let places = try places(tensor)
    var values = try elements.floats(places)
    try ValueFault.apply(function, to: &values, seed: UInt64(layer ?? 0))
    try elements.put(values, places)
  }
}
