import Canonical
import Digests
import JSON
import Layouts
import Opening
import Tensors

/// Values of a source that cannot be computed back from the output, such as F32 norms to which one was
/// added, or that would come back in another type.
///
/// The record of a conversion holds their type and, where they are lost, their bytes, so that the way back
/// gives the same file.
struct KeptValues: Hashable, Sendable {
  /// The role of the tensor, as text.
  let role: String
  /// The form in which the values were stored, as text; see `form(_:_:in:)`.
  let form: String
  /// The canonical hash of the values that were written in their place.
  let hash: String
  /// The type in which they were stored.
  let type: ScalarType
  /// The types of the stored tensors that made them up, where those differed.
  var types: [ScalarType] = []
  /// Their bytes, in canonical order; empty where only the type does not follow from the output.
  var bytes: [UInt8] = []

  /// How values of a role are stored.
  static func form(_ role: Role, _ steps: [ValueStep], in configuration: ModelConfiguration)
    -> String
  {
    (steps.map(\.text) + (configuration.isCentred(role) ? ["zero-centred"] : []))
      .joined(separator: ", ")
  }

  /// The remembered tensor, if the current file still holds the values that were written in its place.
  fileprivate func tensor(
    of role: Role, steps: [ValueStep], insteadOf place: CanonicalTensor, in model: CanonicalModel
  ) throws -> CanonicalTensor? {
    guard let written = model.tensors[role], type.isComputable, place.isComputable,
      bytes.isEmpty || bytes.count == TensorShape.byteCount(place.shape, type),
      try TensorHash.canonical(written, isZeroCentred: model.configuration.isCentred(role)) == hash
    else { return nil }
    if bytes.isEmpty {
      var typed = place
      if types.isEmpty { typed.formerType = type } else { typed.formerTypes = types }
      return typed
    }
    var kept = CanonicalTensor(
      shape: place.shape, type: type, region: ByteRegion(OwnedBytes(bytes)),
      view: StridedView(contiguous: place.shape), steps: steps,
      origin: place.origin)
    kept.isRestored = true
    let step = Self.step(of: written.type)
    return try zip(kept.floats(), place.floats())
      .allSatisfy { abs($0 - $1) <= step * max(1, abs($0)) } ? kept : nil
  }

  /// The largest change of a value near one that is rounded to a type on the way there and on the way back.
  private static func step(of type: ScalarType) -> Float {
    switch type {
    case .bf16: 0x1p-6
    case .f16: 0x1p-9
    default: 0x1p-20
    }
  }
}

extension CanonicalModel {
  /// The model with its remembered values, wherever the current file still holds what was written in their
  /// place.
  /// - Parameter source: the model as it is stored now.
  func restoring(_ kept: [KeptValues], from source: CanonicalModel, in binding: LayoutBinding)
    throws
    -> CanonicalModel
  {
    guard !kept.isEmpty else { return self }
    var model = self
    let byRole = Dictionary(grouping: kept, by: \.role)
    for part in binding.tensors.flatMap(\.parts) {
      let form = KeptValues.form(part.role, part.steps, in: configuration)
      guard let place = tensors[part.role],
        let values = byRole[part.role.description]?.last(where: { $0.form == form }),
        place.steps != part.steps || place.hasFixedType || !values.types.isEmpty
      else { continue }
      model.tensors[part.role] =
        try values.tensor(of: part.role, steps: part.steps, insteadOf: place, in: source) ?? place
    }
    return model
  }
}

extension KeptValues {
  init?(_ value: JSONValue) {
    guard let role = value["role"]?.string, let form = value["form"]?.string,
      let hash = value["sha256"]?.string,
      let type = value["dtype"]?.string.flatMap(ScalarType.init(rawValue:)),
      let bytes = value["bytes"]?.string.flatMap(Hexadecimal.bytes)
    else { return nil }
    let types = value["dtypes"]?.array?.compactMap { $0.string.flatMap(ScalarType.init(rawValue:)) }
    self.init(role: role, form: form, hash: hash, type: type, types: types ?? [], bytes: bytes)
  }

  var json: JSONObject {
    var json: JSONObject = [
      "role": .string(role), "form": .string(form), "sha256": .string(hash),
      "dtype": .string(type.rawValue),
      "bytes": .string(Hexadecimal.text(bytes)),
    ]
    if !types.isEmpty { json["dtypes"] = .array(types.map { .string($0.rawValue) }) }
    return json
  }
}

extension MovedPart {
  /// The most values of which a record keeps the bytes; norms are far smaller.
  private static let mostKeptValues = 1 << 20

  /// The bytes of the source in canonical order, if they cannot be computed back from the values written in
  /// a type; nil if they can, or if there are too many.
  func lostBytes(writtenAs type: ScalarType) throws -> [UInt8]? {
    guard source.steps != steps, source.scales == nil, source.isComputable,
      let width = source.type.byteWidth, source.count <= Self.mostKeptValues
    else { return nil }
    let stored = try raw(width: width)
    var isLost = false
    let scratch = OwnedBytes(count: 4)
    stored.withUnsafeBytes { bytes in
      for index in 0..<source.count where !isLost {
        let value = FloatBits.load(bytes, index, source.type)
        let there = steps.reduce(source.steps.reversed().reduce(value) { $1.undo($0) }) {
          $1.apply($0)
        }
        let written = FloatBits.store(there, scratch.mutableBytes, 0, type)
        let here = steps.reversed().reduce(written) { $1.undo($0) }
        let back = source.steps.reduce(here) { $1.apply($0) }
        isLost =
          FloatBits.store(back, scratch.mutableBytes, 0, source.type).bitPattern != value.bitPattern
      }
    }
    return isLost ? stored : nil
  }

  /// Whether the values, written where they are computed or have a fixed type, come back in another type than
  /// that of the source.
  /// - Parameter narrow: the type of computed values that all fit it.
  func losesType(narrow: ScalarType?) throws -> Bool {
    guard !source.hasFixedType, source.scales == nil, source.type.isFloat, let narrow,
      source.type != narrow
    else { return false }
    let back = MovedPart(
      source, to: StridedView(contiguous: source.shape), steps: source.steps)
    return try source.type != .f32 || TensorMove.fits(narrow, [back])
  }

  private func raw(width: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: source.count * width) { buffer, filled in
      guard let place = buffer.baseAddress else { return }
      _ = try PartStream(reading: source, asStored: true).fill(place, 0..<source.count)
      filled = source.count * width
    }
  }
}
