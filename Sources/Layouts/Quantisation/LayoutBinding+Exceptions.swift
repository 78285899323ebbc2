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
    // A matrix that is not quantised and that no entry covers is listed by its own name if it is new or was
    // quantised before.
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
