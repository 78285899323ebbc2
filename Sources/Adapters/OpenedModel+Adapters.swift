import Canonical
import Containers
import Diagnostics
import Layouts
import Opening
import Packing
import Tensors

extension OpenedModel {
  /// The model with an adapter merged into it: the sums that the library of the adapter would compute, in the
  /// layout and the types that the model has.
  ///
  /// Nothing is computed before the bytes of a tensor are asked for.
  /// - Parameters:
  ///   - type: what packed weights are dequantised to where the adapter changes them; nil to refuse them.
  ///   - catalogue: the layouts whose names the adapter may use.
  /// - Throws: `Problem` of kind `invalid` where the adapter does not fit, with every tensor, `unsupported`
  ///   for packed weights.
  /// - Cost: reads headers only.
  public func merging(
    _ adapter: Adapter, dequantisingTo type: ScalarType?, catalogue: LayoutCatalogue
  ) throws -> OpenedModel {
    if adapter.config.isDoRA, !adapters.isEmpty {
      throw Problem(
        .unsupported, "DoRA is merged into a base alone, because its norms are those of the base",
        file: adapter.path, remedy: "give it as the first --adapter")
    }
    try adapter.checkSaved(among: checkpoint.tensors.map(\.name))
    let placement = try placement(of: adapter, catalogue)
    if let tokens = placement.vocabularies.max() {
      try checkVocabulary(placement, adapter)
      return try counting(tokens: tokens, catalogue: catalogue)
        .merging(adapter, dequantisingTo: type, catalogue: catalogue)
    }
    let homes = try homes()
    let changes = try changes(placement, homes, adapter)
    let packed = changes.filter { isPacked($0.stored) }.map(\.stored)
    guard packed.isEmpty || type != nil else {
      throw AdapterProblem.packed(
        packed.map(\.name), adapter, packing?.method ?? packed[0].type.rawValue)
    }
    let merged = changes.map { change in
      let isPacked = isPacked(change.stored)
      let merged = MergedTensor(
        base: change.base, type: isPacked ? type ?? .f32 : change.stored.type,
        changes: change.changes)
      return StoredTensor(
        name: change.stored.name, type: merged.type, shape: change.stored.shape,
        region: ByteRegion(merged.bytes), file: change.stored.file)
    }
    return try changing(
      Dictionary(merged.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }),
      AdapterRecord(
        files: adapter.files, scale: adapter.scale, tensors: merged.map(\.name).sorted(),
        products: placement.products, replaced: placement.replaced,
        dequantised: packed.isEmpty ? nil : type?.rawValue,
        changes: placement.items.map { item in
          item.change.of(
            item.target.parts.compactMap { (homes[$0.role] ?? direct($0.role))?.0.name })
        }))
  }

  /// Refuses another vocabulary that is not that of embedding and head together.
  private func checkVocabulary(_ placement: AdapterPlacement, _ adapter: Adapter) throws {
    let holders = Set(canonical.tensors.keys.filter { RoleTable.hasRowPerToken($0.name) })
    let left = holders.subtracting(placement.replacedRoles).compactMap {
      canonical.tensors[$0]?.origin
    }
    guard placement.vocabularies.count > 1 || !left.isEmpty else { return }
    throw Problem(
      .invalid, "embedding and head would have vocabularies of two sizes", file: adapter.path,
      tensor: left.isEmpty ? nil : NameFolding.summary(left.sorted()),
      expected: "one number of rows",
      found: (placement.vocabularies.sorted() + (left.isEmpty ? [] : [configuration.vocabulary]))
        .map(String.init).joined(separator: " and "),
      remedy:
        "save the adapter with both, or merge it with PEFT into the base that was resized, and give the merged model"
    )
  }

  private func isPacked(_ stored: StoredTensor) -> Bool {
    stored.packed != nil || !stored.type.isFloat
  }

  /// Whether what an adapter lacks in one layout says more than what it lacks in another: names that are all there say
  /// what else is wrong, and otherwise those of the base's own layout are what the reader knows.
  private func isNearer(_ one: AdapterPlacement, than other: AdapterPlacement) -> Bool {
    guard one.missing.count < other.missing.count else { return false }
    return one.missing.isEmpty || !(other.names.layout.id == layout.id && other.isPartly)
  }

  /// The first layout all of whose names and shapes fit.
  private func placement(of adapter: Adapter, _ catalogue: LayoutCatalogue) throws
    -> AdapterPlacement
  {
    // What is said of an adapter that fits nowhere: what is missing in the base's own layout where any of it is there.
    var nearest: AdapterPlacement?
    var known: [AdapterNames] = []
    func tried(_ adapter: Adapter, _ names: AdapterNames) -> AdapterPlacement? {
      let placement = AdapterPlacement(adapter, names)
      if placement.fits { return placement }
      if nearest.map({ isNearer(placement, than: $0) }) ?? true { nearest = placement }
      return nil
    }
    let family = adapter.config.family
    if family.names(layout) {
      known.append(try AdapterNames(of: self))
      if let own = tried(adapter, known[0]) { return own }
    }
    let others = catalogue.outlines.sorted { $0.id == layout.id && $1.id != layout.id }
    for outline in others {
      let other = try outline.layout()
      guard other.inspectOnly == nil, family.names(other),
        let names = AdapterNames(other, of: self)
      else { continue }
      known.append(names)
      if let found = tried(adapter, names) { return found }
    }
    if let whole = adapter.inWholeModel,
      let found = known.lazy.compactMap({ tried(whole, $0) }).first
    {
      return found
    }
    let missing = nearest?.missing ?? adapter.tensors.modules.map(\.name)
    guard missing.isEmpty else {
      throw AdapterProblem.missing(missing, adapter, in: checkpoint.directory.string)
    }
    throw Problem(all: nearest?.problems ?? [])
  }
}

/// What happens to one stored tensor of a base.
private struct ChangedTensor {
  let stored: StoredTensor
  let base: CanonicalTensor
  var changes: [(change: any TensorChange, pairing: PairedView)] = []
}

extension OpenedModel {
  /// The stored tensors that change.
  private func changes(
    _ placement: AdapterPlacement, _ homes: [Role: (BoundTensor, BoundPart)], _ adapter: Adapter
  ) throws -> [ChangedTensor] {
    var changed: [String: ChangedTensor] = [:]
    var order: [String] = []
    var problems: [Problem] = []
    var products: Set<[String]> = []
    for item in placement.items {
      var places: [(home: BoundTensor, own: BoundPart, part: BoundPart)] = []
      for part in item.target.parts {
        guard let (home, own) = homes[part.role] ?? direct(part.role), home.pieces.count == 1,
          item.replacement != nil || part.steps == own.steps
        else {
          problems.append(AdapterProblem.missing([item.target.name], adapter, in: layout.id))
          continue
        }
        if item.replacement == nil, !products.insert([home.name, "\(part.role)"]).inserted {
          problems.append(AdapterProblem.twice(home.name, adapter))
        }
        places.append((home, own, part))
      }
      for (home, _, _) in places where changed[home.name] == nil {
        guard let stored = checkpoint.tensor(home.name) else { continue }
        changed[home.name] = ChangedTensor(stored: stored, base: values(stored, home))
        order.append(home.name)
      }
      let pairings = places.map { PairedView(source: $0.part.view, target: $0.own.view) }
      let whole = zip(places, pairings).compactMap { place, pairing in
        changed[place.home.name].map { ChangedPlace(base: $0.base, pairing: pairing) }
      }
      let common = item.make(whole)
      for (place, pairing) in zip(places, pairings) {
        let change: any TensorChange =
          item.replacement.map {
            ReplacedValues(tensor: $0, steps: (place.part.steps, place.own.steps))
          } ?? common
        changed[place.home.name]?.changes.append((change, pairing))
      }
    }
    try Problem.throwIfAny(problems)
    return order.compactMap { changed[$0] }
  }

  /// The values of a stored tensor in its own order.
  private func values(_ stored: StoredTensor, _ home: BoundTensor) -> CanonicalTensor {
    let role = home.parts.first?.role
    let scales = role.flatMap { canonical.tensors[$0]?.scales } ?? scaledCarried(stored)?.scales
    return CanonicalTensor(
      shape: stored.shape, type: stored.type, region: stored.region,
      view: StridedView(contiguous: stored.shape), scales: scales, origin: stored.name)
  }

  /// Which stored tensor holds a canonical one, and where in it.
  private func homes() throws -> [Role: (BoundTensor, BoundPart)] {
    let shared = carried.compactMap { binding.shared($0.name, shape: $0.shape) }
    let predictions = (try? predictionTensors().tensors) ?? []
    var homes: [Role: (BoundTensor, BoundPart)] = [:]
    for bound in binding.tensors + predictions + shared {
      for part in bound.parts { homes[part.role] = (bound, part) }
    }
    return homes
  }

  /// A carried tensor of which only the name is understood.
  private func direct(_ role: Role) -> (BoundTensor, BoundPart)? {
    guard let stored = checkpoint.tensor(role.name), binding.carrier(of: stored.name) != nil else {
      return nil
    }
    let bound = BoundTensor(carrying: stored.name, shape: stored.shape)
    return (bound, bound.parts[0])
  }
}
