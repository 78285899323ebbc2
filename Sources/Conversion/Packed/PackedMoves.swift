import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import Tensors

/// What becomes of packed weights in a conversion: where no type is asked for, they stay packed, with the
/// bytes of their parts or the same codes in other parts, or the conversion is refused; where one is,
/// their values are written.
struct PackedMoves {
  private let source: OpenedModel
  private let container: Container
  /// How the destination holds them; nil where it cannot.
  private let destination: PackedDestination?
  /// Whether parts that stay whole may keep their bytes.
  private let keepsParts: Bool

  init(_ source: OpenedModel, to layout: Layout, _ history: ModelHistory?, _ container: Container)
    throws
  {
    (self.source, self.container) = (source, container)
    destination = try PackedDestination(source, layout, history)
    keepsParts =
      source.packing?.isAnnounced == true && source.checkpoint.takenOff.isEmpty
      && source.isInForm(of: layout)
  }

  /// The tensors to write in the place of one that is made of packed weights; nil for any other.
  /// - Throws: `Problem` of kind `unsupported` where they would have to be dequantised and no type is
  ///   asked for.
  func tensors(of move: TensorMove, cast: RequestedType) throws -> [CheckpointPlan.Tensor]? {
    let origins = move.parts.map { source.checkpoint.tensor($0.source.origin) }
    guard let first = origins.lazy.compactMap(\.self).first(where: isPacked) else { return nil }
    guard cast == .keep else { return first.packed.map { [.unpacked($0.scheme, move)] } }
    if let packed = first.packed, keepsParts, move.wholeSource != nil,
      move.target.name == first.name
    {
      return parts(of: packed)
    }
    return try repacked(move, origins, first)
  }

  /// Whether a tensor is packed in a way that the files to be written do not have.
  private func isPacked(_ tensor: StoredTensor) -> Bool {
    tensor.packed != nil || tensor.type.isBlock && container != .gguf
  }

  /// Whether blocks of the source become other parts, so that they may be torn apart.
  var tears: Bool { container != .gguf }

  /// What is written in the place of a carried tensor that is packed; nil for any other.
  func carried(_ stored: StoredTensor, cast: RequestedType) throws -> [CheckpointPlan.Tensor]? {
    guard isPacked(stored) else { return nil }
    if let packed = stored.packed, cast == .keep, keepsParts { return parts(of: packed) }
    guard stored.packed != nil || cast == .keep else { return nil }
    let bound = BoundTensor(carrying: stored.name, shape: stored.shape)
    let move = try TensorMove(bound, [stored.values], cast: cast, scaleName: nil, narrow: nil)
    return try tensors(of: move, cast: cast)
  }

  /// The config of a model of which some weights are packed in other parts; nil where none are.
  func config(_ target: ConversionTarget, _ repacked: Repacked) throws -> [UInt8]? {
    guard let destination, !repacked.names.isEmpty else { return nil }
    do {
      return try target.configBytes { config in
        try destination.config(config, repacked, embeddings: target.binding.embeddings)
      }
    } catch let obstacle as RecodingObstacle {
      throw Problem(
        .unsupported, "packed weights differ in what a config says of all",
        expected: obstacle.expected, found: obstacle.found,
        remedy: "dequantise those of one kind with --dtype-for NAME=f32")
    }
  }

  private func parts(of packed: any PackedWeight) -> [CheckpointPlan.Tensor] {
    packed.parts.compactMap { source.stored.tensor($0.name) }
      .map { CheckpointPlan.Tensor($0, rule: .copied) }
  }

  /// The parts of a weight whose codes are those of the source.
  private func repacked(_ move: TensorMove, _ origins: [StoredTensor?], _ first: StoredTensor)
    throws
    -> [CheckpointPlan.Tensor]
  {
    let scheme = first.scheme
    do {
      let rows = try rows(of: move, origins)
      guard let destination else {
        throw RecodingObstacle("a packing that Graft writes", "one that it only reads")
      }
      let weight = try destination.weight(rows, named: move.target.name)
      return weight.parts.enumerated().map { index, part in
        CheckpointPlan.Tensor(
          part, .init(move: move, isFirst: index == 0, entry: weight.entry),
          rule: .repacked(from: scheme, to: weight.scheme))
      }
    } catch let obstacle as RecodingObstacle {
      throw Problem(
        .unsupported, "a packed weight cannot be written as it is packed", tensor: move.target.name,
        expected: obstacle.expected, found: "\(scheme.text), and \(obstacle.found)",
        remedy: "dequantise with --dtype f32, or such weights alone with --dtype-for NAME=f32; "
          + "bf16 needs --allow lossy")
    }
  }

  private func rows(of move: TensorMove, _ origins: [StoredTensor?]) throws -> any CodedRows {
    let target = move.target
    guard !target.storedType.isFixed else {
      throw RecodingObstacle("plain values, as the layout has them", "packed ones")
    }
    let sources = try zip(move.parts, origins).map { piece, origin in
      guard let rows = try origin?.coded, piece.source.steps == piece.steps,
        !piece.source.isResized, !piece.source.isRestored
      else {
        throw RecodingObstacle("parts that are all packed and only moved", "others among them")
      }
      return rows
    }
    guard sources.allSatisfy({ $0.shape.last == target.shape.last }),
      let order = RowOrder(move.parts.map(\.pairing), to: target.shape)
    else { throw RecodingObstacle("rows that move as a whole", "rows put together anew") }
    return try MovedRows(sources, order, shape: target.shape)
  }
}

extension StoredTensor {
  /// How the tensor is packed, as a library or a type packs it.
  fileprivate var scheme: PackingScheme {
    packed?.scheme ?? StoredValues.scheme(of: type)
      ?? PackingScheme(method: type.rawValue, bits: 0, group: nil)
  }

  /// The tensor as rows of codes; nil for a plain one.
  fileprivate var coded: (any CodedRows)? {
    get throws {
      if let packed {
        guard let coded = packed.coded else {
          throw RecodingObstacle("scales that belong to rows", "scales that go on from row to row")
        }
        return coded
      }
      guard type.isBlock else { return nil }
      guard let rows = BlockRows(type, shape: shape, region: region) else {
        throw RecodingObstacle("blocks of even steps with one scale", "blocks of another kind")
      }
      return rows
    }
  }
}
