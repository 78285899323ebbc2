import Canonical
import Diagnostics
import Layouts
import Opening
import Packing
import Tensors

/// How one stored tensor is filled: from which canonical tensors, moved how, changed how.
public struct TensorMove: Sendable {
  /// The name, shape and parts to write.
  public let target: BoundTensor
  /// The type to write.
  public let type: ScalarType
  let parts: [MovedPart]
  /// Whether every computed value was seen to fit the type.
  private let isSeenExact: Bool
  /// Where the scales of quantised weights go that keep their bytes.
  private let scaleMoves: [TensorMove]
  /// Whether it keeps its bytes and shares a scale with others, of which the first moves it.
  private let sharesScale: Bool
  /// How much each input matters where values are rounded; nil for all the same.
  var importances: Importances?

  /// The scales of quantised weights that keep their bytes; they are written beside them.
  public var scales: TensorMove? { scaleMoves.first }

  /// Whether quantised weights keep their bytes, and their scales lie beside them or are those of the first of
  /// several tensors.
  var staysScaled: Bool { scales != nil || sharesScale }

  /// Plans one stored tensor.
  ///
  /// Computed values are stored as F32, or in the type of the model's matrices if that holds all of them.
  /// So a tensor that was widened on the way there gets its own type back on the way back. Where that would
  /// be another one, the record of the conversion says which it was.
  /// - Parameters:
  ///   - cast: the type asked for; a type requested by name also narrows a tensor that otherwise stays
  ///     wide. Quantised weights keep their bytes unless a type is requested; then they are dequantised.
  ///   - scaleName: where the layout stores the scales of quantised weights.
  ///   - narrow: the type of computed values that all fit it; that of the embedding where none is given.
  ///   - tears: whether blocks may be torn apart, because other blocks are written.
  /// - Throws: `Problem` of kind `invalid` where a part is missing, `unsupported` where types cannot
  ///   be brought together.
  public init(
    _ target: BoundTensor, from model: CanonicalModel, cast: RequestedType,
    scaleName: String? = nil, narrow: ScalarType? = nil, tears: Bool = false
  ) throws {
    let sources = try target.parts.map { part in
      guard let source = model.tensors[part.role] else {
        throw Problem(
          .invalid, "the model has no \(part.role)", tensor: target.name, layer: part.role.layer)
      }
      guard let rows = part.rows else { return source }
      guard let part = source.rows(rows) else {
        throw Problem(
          .unsupported, "rows that do not lie in order cannot be divided among tensors",
          tensor: target.name, found: source.origin,
          remedy: "choose a layout that stores them in one tensor")
      }
      return part
    }
    try self.init(
      target, sources, cast: cast, scaleName: scaleName,
      narrow: narrow ?? model.tensors[Role("embedding")]?.type, tears: tears)
  }

  /// Plans one stored tensor from the tensors that fill its parts.
  /// - Parameters:
  ///   - narrow: the type of computed values that all fit it.
  ///   - tears: whether blocks may be torn apart, because other blocks are written.
  init(
    _ target: BoundTensor, _ sources: [CanonicalTensor], cast: RequestedType, scaleName: String?,
    narrow: ScalarType?, tears: Bool = false
  ) throws {
    self.target = target
    parts = Self.parts(of: target, sources)
    let scales = cast == .keep ? try Self.scales(of: target, parts, named: scaleName) : nil
    scaleMoves = scales.map { [$0] } ?? []
    sharesScale = cast == .keep && target.isPiece && sources[0].scales != nil
    let isComputed = parts.contains { $0.source.steps != $0.steps }
    let planned = try Self.type(of: target, sources: sources, cast: cast, isComputed: isComputed)
    let isWidened =
      isComputed || sources.allSatisfy(\.hasFixedType)
      || sources.allSatisfy { $0.formerType != nil }
    if isWidened, cast == .keep, planned == .f32, !target.storedType.isFixed,
      let narrow = Self.formerType(sources) ?? narrow, try Self.fits(narrow, parts)
    {
      (type, isSeenExact) = (narrow, true)
    } else {
      (type, isSeenExact) = (planned, false)
    }
    try checkCast(tears: tears)
  }

  /// Moves bytes that keep their meaning.
  init(verbatim target: BoundTensor, from sources: [CanonicalTensor]) {
    self.target = target
    parts = Self.parts(of: target, sources)
    type = sources.first?.type ?? .f32
    isSeenExact = true
    (scaleMoves, sharesScale) = ([], false)
  }

  /// The type that all parts had in the layout before; nil where nothing is known.
  private static func formerType(_ sources: [CanonicalTensor]) -> ScalarType? {
    let types = Set(sources.map(\.formerType))
    return types.count == 1 ? types.first ?? nil : nil
  }

  private static func parts(of target: BoundTensor, _ sources: [CanonicalTensor]) -> [MovedPart] {
    zip(target.parts, sources).map { part, source in
      MovedPart(source, to: part.view, steps: part.steps)
    }
  }

  /// The type to write: that of the source, but F32 where values are computed, so that none is lost.
  private static func type(
    of target: BoundTensor, sources: [CanonicalTensor], cast: RequestedType, isComputed: Bool
  ) throws -> ScalarType {
    if case .always(let type) = target.storedType { return type }
    let types = Set(sources.map { $0.scales == nil || cast == .keep ? $0.type : .f32 })
    guard let widest = types.min(by: { $0.writingOrder < $1.writingOrder }) else { return .f32 }
    guard types.count == 1 || types.allSatisfy(\.isComputable) else {
      throw Problem(
        .unsupported, "parts of one tensor have types that cannot stand together",
        tensor: target.name, found: types.map(\.rawValue).sorted().joined(separator: ", "),
        remedy: "store them in one type, or choose a layout that keeps them apart")
    }
    let isMixed = types.count > 1 && !types.contains(.f32)
    let kept = isMixed || isComputed ? .f32 : widest
    switch cast {
    case .keep: return kept
    case .byName(let type): return fitting(type, target.shape)
    case .everywhere(let type):
      return target.storedType == .wide && kept == .f32 ? .f32 : fitting(type, target.shape)
    }
  }

  /// The type itself, or the one that takes its place where rows do not fill its blocks.
  private static func fitting(_ type: ScalarType, _ shape: [Int]) -> ScalarType {
    type.fitting(row: shape.last ?? 1)
  }

  /// Whether the bytes of a part are moved and not computed.
  func isVerbatim(_ moved: MovedPart) -> Bool {
    moved.source.type == type && moved.source.steps == moved.steps
      && (moved.source.scales == nil || staysScaled)
  }

  /// Whether some value changes when it is written.
  /// - Cost: reads the values up to the first one that does.
  /// - Throws: `Problem` of kind `io` where the values cannot be read.
  func changesValues() throws -> Bool {
    try !parts.allSatisfy { moved in
      if isVerbatim(moved) { return true }
      return try !type.isBlock && Self.isExact(moved, as: type)
    }
  }

  /// Why writing this tensor can lose values; nil where it cannot.
  public var loss: String? {
    for moved in parts where !isVerbatim(moved) && !isSeenExact {
      let from = moved.source.type
      if type != .f32, from != type { return "\(from.rawValue) to \(type.rawValue)" }
      if type != .f32 { return "a value step stored as \(type.rawValue)" }
    }
    return nil
  }

  /// The stored bytes where they are exactly those of one tensor of the source.
  var wholeSource: ByteRegion? {
    guard let region = parts.first?.source.region, !parts.contains(where: \.source.isJoined),
      region.count == TensorShape.byteCount(target.shape, type)
    else { return nil }
    let isWhole = zip(target.parts, parts).allSatisfy { part, moved in
      isVerbatim(moved) && part.view == moved.source.view
        && moved.source.region.storage === region.storage
        && moved.source.region.range == region.range
    }
    return isWhole ? region : nil
  }
}
