import Canonical
import Diagnostics
import JSON
import Tensors

extension LayoutBinding {
  /// Checks that stored tensors are exactly those of the layout, from headers alone.
  ///
  /// Every finding is reported: tensors that are missing, tensors nobody asked for, wrong shapes, and
  /// quantised weights that are not what the config says of them.
  /// - Parameters:
  ///   - config: what the config says, which explains some findings.
  ///   - allowing: the kinds of tensors nobody asked for that are none of the findings.
  ///   - file: where the tensors are stored, for messages.
  /// - Returns: the stored names for which the layout has no use.
  /// - Throws: `Problem` of kind `invalid`.
  @discardableResult
  public func check(
    stored: StoredHeaders, config: ConfigStatement = .none, allowing: Set<StrayTensor> = [],
    file: String
  ) throws -> [String] {
    try check(
      stored: stored, found: FoundTensors(self, in: stored), config: config, allowing: allowing,
      file: file)
  }

  /// Checks the same where it is known which stored tensor each one is.
  @discardableResult
  public func check(
    stored: StoredHeaders, found: FoundTensors, config: ConfigStatement,
    allowing: Set<StrayTensor>, file: String
  ) throws -> [String] {
    var problems = found.areDistinct && rolesAreDistinct ? [] : doubleClaims()
    let scales = allScales.map { (scales: $0, header: stored[$0.name]) }
    let missing = missing(in: stored, found)
    let extra = extra(in: stored, isExact: missing.isEmpty && problems.isEmpty)
    let explanations = explanations(missing: missing, config: config.json, file: file)
    let explained = explanations.reduce(into: Set()) { $0.formUnion($1.names) }
    problems += explanations.map(\.problem)
    let strays = strays(extra.filter { !explained.contains($0) }, in: stored, layers: config.layers)
      .filter { !allowing.contains($0.kind) }
    problems += missingProblems(
      missing.filter { !explained.contains($0) }, strays.map(\.name), stored, file)
    problems += strayProblems(strays, stored, file)
    problems += unexplainedProblems(stored, found, file)
    problems += sharedProblems(stored, config.json, file)
    problems += misshapen(stored, found).filter { !explained.contains($0.name) }
      .compactMap { shapeProblem($0, stored, file) }
    problems += scales.compactMap { shapeProblem($0, $1, file) }
    problems += Self.typeProblems(scales, file)
    problems += claims(config.quantisation, stored, found, file)
    try Problem.throwIfAny(problems)
    return extra
  }

  /// How many of the missing tensors are compared with those that have no place, each with each.
  private static let mostSuggestions = 16

  /// What each of some stored tensors seems to be for which the layout has no use.
  public func strays(_ names: [String], in stored: StoredHeaders, layers: Int)
    -> [(name: String, kind: StrayTensor)]
  {
    guard !names.isEmpty else { return [] }
    let weights = Set(tensors.lazy.flatMap(\.pieces))
    return names.map { name in
      (
        name,
        StrayTensor(name, layers: layers) { stored[$0] != nil || weights.contains($0) }
      )
    }
  }

  private func missingProblems(
    _ missing: [String], _ strays: [String], _ stored: StoredHeaders, _ file: String
  ) -> [Problem] {
    let others = NameFolding.fold(strays)
    return NameFolding.fold(missing).enumerated().map { place, name in
      let near = place < Self.mostSuggestions ? Suggestion.nearest(to: name, in: others) : nil
      return Problem(
        .invalid, "a tensor the config asks for is missing", file: file, tensor: name,
        found: near.map { "\($0), which has no place" },
        remedy: "check that all shards are there and that \(layout.configName) belongs to them")
    }
  }

  private func strayProblems(
    _ strays: [(name: String, kind: StrayTensor)], _ stored: StoredHeaders, _ file: String
  ) -> [Problem] {
    let packed = strays.filter { $0.kind == .packed }.map(\.name)
    let others = strays.filter { $0.kind != .packed }.map(\.name)
    return NameFolding.fold(others).map { name in
      Problem(
        .invalid, "a tensor has no place in layout \(layout.id) with this config", file: file,
        tensor: name, remedy: "check that \(layout.configName) belongs to these weights")
    }
      + NameFolding.fold(packed).map { name in
        Problem(
          .invalid, "a part of a quantised weight has no place, whatever is allowed", file: file,
          tensor: name, found: stored[name]?.type.rawValue,
          remedy: "check that \(layout.configName) says how these weights are quantised, or "
            + StrayTensor.packed.remedy)
      }
  }

  /// Weights whose elements mean nothing without scales, and of which nothing says where those are.
  private func unexplainedProblems(
    _ stored: StoredHeaders, _ found: FoundTensors, _ file: String
  ) -> [Problem] {
    let names = tensors.indices.flatMap { index -> [String] in
      let tensor = tensors[index]
      if let place = found[index], !stored.values[place].type.needsScale { return [] }
      return tensor.scales != nil
        ? []
        : tensor.pieces.filter { name in
          guard let type = stored[name]?.type, type.needsScale else { return false }
          return tensor.storedType != .always(type)
        }
    }
    let types = Set(names.compactMap { stored[$0]?.type.rawValue }).sorted()
    guard !names.isEmpty else { return [] }
    return [
      Problem(
        .unsupported, "weights are quantised and nothing says where their scales are", file: file,
        tensor: NameFolding.summary(names), expected: "F32, BF16, F16, or FP8 with scales",
        found: types.joined(separator: ", "), remedy: StrayTensor.packed.remedy)
    ]
  }

  /// The stored names for which the layout has no use, sorted.
  /// - Parameter isExact: whether all that the layout asks for is stored, each once, so that as many
  ///   names are the same names.
  private func extra(in stored: StoredHeaders, isExact: Bool) -> [String] {
    let scales = tensors.compactMap { $0.scales?.name }
    if isExact, tensors.reduce(scales.count, { $0 + $1.pieceCount }) == stored.count { return [] }
    let expected = Set(tensors.lazy.flatMap(\.pieces)).union(scales)
    return stored.names.filter { !expected.contains($0) && carrier(of: $0) == nil }.sorted()
  }

  /// The names that the layout asks for and that are not stored.
  private func missing(in stored: StoredHeaders, _ found: FoundTensors) -> [String] {
    (found.isComplete ? [] : tensors.flatMap(\.pieces).filter { stored[$0] == nil })
      + tensors.lazy.compactMap { $0.scales?.name }.filter { stored[$0] == nil }
  }

  /// The tensors that are not one stored tensor of the shape that the layout asks for.
  private func misshapen(_ stored: StoredHeaders, _ found: FoundTensors) -> [BoundTensor] {
    tensors.indices.lazy.filter { index in
      guard let place = found[index] else { return true }
      return stored.values[place].shape != tensors[index].shape
    }.map { tensors[$0] }
  }

  private func shapeProblem(_ tensor: BoundTensor, _ stored: StoredHeaders, _ file: String)
    -> Problem?
  {
    let shapes = tensor.pieces.compactMap { stored[$0]?.shape }
    guard let shape = joinedShape(shapes), shape != tensor.shape else { return nil }
    if tensor.isTable,
      let odd = tensor.separated.first(where: { stored[$0.name]?.shape != $0.shape })
    {
      let rows = shapes.reduce(0) { $0 &+ ($1.first ?? 0) }
      return pieceProblem(odd, of: tensor, rows: rows, stored, file)
    }
    return Problem(
      .invalid, "a tensor has another shape than the config says", file: file,
      tensor: tensor.name, expected: TensorShape.text(tensor.shape),
      found: TensorShape.text(shape),
      remedy: "check that \(layout.configName) belongs to these weights")
  }

  /// One of several tensors that make up a table, and has more rows than its share, or less.
  private func pieceProblem(
    _ piece: BoundTensor, of table: BoundTensor, rows: Int, _ stored: StoredHeaders, _ file: String
  ) -> Problem {
    let found = stored[piece.name].map { TensorShape.text($0.shape) } ?? "none"
    return Problem(
      .invalid, "a tensor has another shape than its share of the whole", file: file,
      tensor: piece.name,
      expected:
        "\(TensorShape.text(piece.shape)), of \(table.shape[0]) rows in \(table.pieces.count)",
      found: "\(found), of \(rows) rows",
      remedy: rows > table.shape[0]
        ? "check that \(layout.configName) belongs to these weights; graft repair cuts rows of zeros off"
        : "check that \(layout.configName) belongs to these weights; rows that were cut off are in the original alone"
    )
  }

  private func shapeProblem(
    _ scales: BoundScales, _ stored: StoredHeaders.Header?, _ file: String
  ) -> Problem? {
    guard stored?.shape != scales.shape else { return nil }
    let blocks = "blocks of \(scales.size.rows) × \(scales.size.columns)"
    let found = stored.map { TensorShape.text($0.shape) }
    if found == nil, !carriedScales.values.contains(scales) { return nil }
    return Problem(
      .invalid, "the scales of a weight are not those of its blocks", file: file,
      tensor: scales.name, expected: "\(TensorShape.text(scales.shape)) for \(blocks)",
      found: found ?? "none",
      remedy: "check weight_block_size of the config, and that all shards are there")
  }

  /// The shape of tensors end to end along axis 0; one without axes where they do not fit.
  private func joinedShape(_ shapes: [[Int]]) -> [Int]? {
    guard let first = shapes.first, shapes.count > 1 else { return shapes.first }
    guard shapes.allSatisfy({ $0.dropFirst() == first.dropFirst() && !$0.isEmpty }) else {
      return []
    }
    return [shapes.reduce(0) { $0 &+ $1[0] }] + first.dropFirst()
  }

  /// Whether no two tensors claim one role.
  private var rolesAreDistinct: Bool {
    var roles = Set<Role>(minimumCapacity: tensors.count)
    return tensors.allSatisfy { $0.parts.allSatisfy { roles.insert($0.role).inserted } }
  }

  /// Names and roles that more than one rule claims: a fault of the layout file.
  func doubleClaims() -> [Problem] {
    var names = Set<String>(minimumCapacity: tensors.count)
    var roles = Set<Role>(minimumCapacity: tensors.count)
    var problems: [Problem] = []
    for tensor in tensors {
      for name in tensor.pieces where !names.insert(name).inserted {
        problems.append(
          Problem(
            .invalid, "two rules of layout \(layout.id) claim a tensor", tensor: name,
            remedy: FormatValue.remedy))
      }
      for part in tensor.parts where !roles.insert(part.role).inserted {
        problems.append(
          Problem(
            .invalid, "two rules of layout \(layout.id) claim \(part.role)", tensor: tensor.name,
            remedy: FormatValue.remedy))
      }
    }
    return problems
  }
}
