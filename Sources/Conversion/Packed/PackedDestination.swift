import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import Tensors

/// How a destination holds packed weights: as blocks, or as the parts of a library.
struct PackedDestination {
  /// A weight as it will be stored.
  struct Weight {
    let parts: [PackedPart]
    let scheme: PackingScheme
    /// What the config says of it; nil for blocks.
    let entry: JSONValue?
  }

  /// The library; nil for blocks.
  let library: PackedTarget?
  /// What a config says already, and goes on to say; nil where it is put together anew.
  private let kept: QuantisationClaim?
  /// The type of plain matrices, which scales have where it holds them.
  private let plainType: ScalarType?

  /// The destination of weights that a source has packed; nil where it has none.
  ///
  /// Layouts of GGUF hold blocks and those of MLX its own packing. Others hold what the model had there
  /// before, as its record tells, else the packing that the source has, and, where that is of GGUF or MLX,
  /// compressed-tensors.
  init?(_ source: OpenedModel, _ layout: Layout, _ history: ModelHistory?) throws {
    let packed = source.checkpoint.tensors.first { $0.packed != nil || $0.type.isBlock }
    guard let packed else { return nil }
    plainType = source.plainType
    if layout.container == Container.gguf.rawValue {
      (library, kept) = (nil, nil)
      return
    }
    let own = packed.packed.flatMap { PackedTarget.Library(of: $0.scheme) }
    let present = Self.claim(of: source)
    if let own, own.isAnywhere, !layout.isOfMLX {
      library = try PackedTarget(own, claim: present?.value)
      let staysTrue = source.isInForm(of: layout) || own == .awq || own == .gptq
      kept = staysTrue && !PackedWeights.files.contains(present?.evidence ?? "") ? present : nil
      return
    }
    let former = layout.isOfMLX && own == .mlx ? present : Self.claim(in: history, layout)
    let word = former.flatMap { PackedTarget.Library(rawValue: $0.word) }
    if layout.isOfMLX {
      (library, kept) = (try PackedTarget(.mlx, claim: word == .mlx ? former?.value : nil), nil)
    } else if packed.packed != nil, own == nil {
      return nil
    } else {
      library = try PackedTarget(
        word ?? .compressedTensors, claim: word == nil ? nil : former?.value)
      kept = word == nil ? nil : former
    }
  }

  private static func claim(of source: OpenedModel) -> QuantisationClaim? {
    QuantisationClaim.first(source.stored.config, source.stored.quantisationFiles)
  }

  /// What the config said that the model had in a layout before.
  private static func claim(in history: ModelHistory?, _ layout: Layout) -> QuantisationClaim? {
    history?.origin(layout.id)
      .flatMap { try? JSONValue(parsing: Array($0.config.utf8), .python) }
      .flatMap { QuantisationClaim.first($0, [:]) }
  }

  /// A weight in the form of the destination, with the same values.
  /// - Throws: `RecodingObstacle` where there is none.
  func weight(_ rows: any CodedRows, named name: String) throws -> Weight {
    guard let library else { return try blocks(rows, name) }
    guard name.hasSuffix(".weight") else {
      throw RecodingObstacle(
        "a tensor named weight, beside which scales have a place", "another name")
    }
    let module = String(name.dropLast(".weight".count))
    let weight = try library.weight(rows, module: module, beside: plainType)
    return Weight(parts: weight.parts, scheme: weight.scheme, entry: weight.entry)
  }

  /// The first type of blocks that holds all values.
  private func blocks(_ rows: any CodedRows, _ name: String) throws -> Weight {
    var obstacle = RecodingObstacle("codes that blocks of GGUF hold", rows.form.text)
    for type in BlockRows.types {
      guard let form = BlockRows.form(of: type), form.codes == rows.form.codes else { continue }
      do {
        guard (rows.shape.last ?? 1) % type.unit.elements == 0 else {
          throw RecodingObstacle(
            "rows of whole blocks of \(type.unit.elements)", "rows of \(rows.shape.last ?? 1)")
        }
        let recoded = try RecodedRows(rows, as: form)
        guard let region = try BlockRows.region(type, of: recoded),
          let scheme = StoredValues.scheme(of: type)
        else { continue }
        let part = PackedPart(name: name, type: type, shape: rows.shape, region: region)
        return Weight(parts: [part], scheme: scheme, entry: nil)
      } catch let found as RecodingObstacle { obstacle = found }
    }
    throw obstacle
  }

  /// A config that says how weights are packed, in the words of the library.
  /// - Parameters:
  ///   - repacked: the packed weights.
  ///   - embeddings: the modules that are embeddings.
  func config(_ config: JSONValue, _ repacked: Repacked, embeddings: Set<String>) throws
    -> JSONValue
  {
    let bare = config.withoutQuantisation
    guard let library, case .object(var object) = bare else { return bare }
    if let kept {
      object[kept.evidence] = kept.value
      let config = JSONValue.object(object)
      // A list of GPTQ's is one of patterns, and a weight without parts is plain without it.
      return library.library == .gptq
        ? config : config.listingPlain(repacked.plain.filter { !embeddings.contains($0) })
    }
    let claim = try library.claim(
      repacked.modules, plain: repacked.plain.filter { !embeddings.contains($0) },
      named: embeddings.intersection(repacked.modules.keys))
    if library.library == .mlx { object["quantization"] = claim }
    object["quantization_config"] = claim
    return .object(object)
  }
}

extension Layout {
  /// Whether MLX reads the layout.
  fileprivate var isOfMLX: Bool { metadata.contains { $0.key == "format" && $0.value == "mlx" } }
}

extension PackedTarget.Library {
  /// Whether other libraries than its own read what it packed.
  fileprivate var isAnywhere: Bool { self != .mlx }
}

extension OpenedModel {
  /// The type of stored matrices that are plain, the narrowest of several; nil for none.
  var plainType: ScalarType? {
    let types = stored.tensors.filter { $0.type.isFloat && $0.shape.count > 1 }.map(\.type)
    return types.max { $0.writingOrder < $1.writingOrder }
  }
}
