import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Tensors

/// A fine-tuned copy of a model with the parts that it lost, taken from the checkpoint it came from.
public struct Composition: Sendable {
  /// Parts that a copy may lose.
  public enum Part: String, CaseIterable, Sendable {
    case vision, mtp

    /// The part in words.
    public var text: String {
      switch self {
      case .vision: "the vision tower"
      case .mtp: "the layers of multi-token prediction"
      }
    }
  }

  /// The fine-tuned copy.
  public let copy: OpenedModel
  /// The checkpoint that it came from.
  public let origin: OpenedModel
  /// What is taken, in the order of the kinds.
  public let taken: [Part]
  /// The result: the layout, the config and the lost parts of the origin, everything else of the copy.
  let composed: OpenedModel

  /// Puts two checkpoints together.
  /// - Parameters:
  ///   - first: one of the two; whichever lacks what the other has is the copy.
  ///   - wanted: the parts to take; nil for all that the copy lost.
  /// - Throws: `Problem` of kind `unsupported` where the two are not the same model but for their values, where
  ///   nothing is lost, where both have a part and they differ, or where weights are packed.
  /// - Cost: reads headers, and the parts that both have.
  public init(_ first: OpenedModel, _ second: OpenedModel, taking wanted: [Part]? = nil) throws {
    let isReversed = Self.lost(first, second).isEmpty && !Self.lost(second, first).isEmpty
    (copy, origin) = isReversed ? (second, first) : (first, second)
    for model in [copy, origin] {
      try locating(.file(model.checkpoint.directory.string)) {
        try model.layout.requireUnderstood()
        try Self.refusePacked(model)
      }
    }
    try Self.check(copy, origin)
    let lost = Self.lost(copy, origin)
    try Self.checkKept(copy, origin, wanted)
    try Self.checkPlaces(copy, origin)
    taken = lost.filter { wanted?.contains($0) ?? true }
    guard !taken.isEmpty else { throw Self.nothing(copy, origin, wanted) }
    composed = try Self.composed(copy, origin, taken)
  }

  /// The parts that an origin has and a copy has not.
  private static func lost(_ copy: OpenedModel, _ origin: OpenedModel) -> [Part] {
    Part.allCases.filter { !origin.tensors(of: $0).isEmpty && copy.tensors(of: $0).isEmpty }
  }

  private static func nothing(_ copy: OpenedModel, _ origin: OpenedModel, _ wanted: [Part]?)
    -> Problem
  {
    let parts = Part.allCases.map { part in
      "\(part.text): \(copy.tensors(of: part).count) and \(origin.tensors(of: part).count) tensors"
    }
    return Problem(
      .unsupported, "the copy lacks nothing that the other checkpoint has",
      file: copy.checkpoint.directory.string,
      expected: "a vision tower or layers of multi-token prediction that only the other has",
      found: parts.joined(separator: "; "),
      remedy: wanted == nil
        ? "give the checkpoint that the copy was made from"
        : "leave --take out, or name another part")
  }
}

extension OpenedModel {
  /// The carried tensors of a part.
  func tensors(of part: Composition.Part) -> [StoredTensor] {
    switch part {
    case .mtp: carried.filter(isPrediction)
    case .vision:
      carried.filter { tensor in
        !isPrediction(tensor)
          && StrayTensor(tensor.name, layers: .max, isWeight: { checkpoint.tensor($0) != nil })
            == .vision
      }
    }
  }

  /// The tensors of another model that are those of a part here, by their names here.
  func counterparts(of part: Composition.Part, in other: OpenedModel)
    -> [String: StoredTensor]
  {
    let theirs = other.tensors(of: part)
    let byName = Dictionary(theirs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let byRole = Dictionary(
      theirs.compactMap { tensor in other.shared(tensor).map { ($0.part.role, tensor) } },
      uniquingKeysWith: { first, _ in first })
    return Dictionary(
      tensors(of: part).compactMap { tensor in
        (shared(tensor).flatMap { byRole[$0.part.role] } ?? byName[tensor.name]).map {
          (tensor.name, $0)
        }
      }, uniquingKeysWith: { first, _ in first })
  }
}

extension Composition {
  /// The origin with the values of the copy.
  ///
  /// Carried tensors that the copy has stay its own; of those that it has not, only the parts that are taken come along.
  private static func composed(_ copy: OpenedModel, _ origin: OpenedModel, _ taken: [Part]) throws
    -> OpenedModel
  {
    var own: [String: StoredTensor] = [:]
    var left: Set<String> = []
    for part in Part.allCases where !taken.contains(part) {
      let others = origin.counterparts(of: part, in: copy)
      for tensor in origin.tensors(of: part) {
        guard let other = others[tensor.name] else {
          left.insert(tensor.name)
          continue
        }
        guard other.shape == tensor.shape else { throw differing(tensor, other, origin) }
        own[tensor.name] = StoredTensor(
          name: tensor.name, type: other.type, shape: other.shape, region: other.region,
          file: tensor.file)
      }
    }
    return try origin.holding(
      copy.canonical, carried: own, without: left,
      config: { Self.withTokens(of: copy.checkpoint.config ?? .null, $0) })
  }

  private static func differing(
    _ tensor: StoredTensor, _ other: StoredTensor, _ origin: OpenedModel
  )
    -> Problem
  {
    Problem(
      .unsupported, "a part that both checkpoints have differs in shape", tensor: other.name,
      expected: TensorShape.text(tensor.shape) + ", as in " + origin.checkpoint.directory.string,
      found: TensorShape.text(other.shape),
      remedy: "give the checkpoint that the copy was made from")
  }

  /// Tokens that begin, end and fill texts are what fine-tuning changes of a config.
  private static let tokenKeys = ["bos_token_id", "eos_token_id", "pad_token_id"]

  private static func withTokens(of copy: JSONValue, _ config: JSONValue) -> JSONValue {
    let own = tokenKeys.compactMap { key -> (String, JSONValue)? in
      let value = copy[key] ?? copy["text_config"]?[key]
      return value.flatMap { $0 == .null ? nil : (key, $0) }
    }
    func changed(_ object: JSONValue, adds: Bool) -> JSONValue {
      guard var fields = object.object else { return object }
      for (key, value) in own where adds || fields[key] != nil { fields[key] = value }
      return .object(fields)
    }
    guard var fields = changed(config, adds: false).object else { return config }
    let text = fields["text_config"]
    if let text { fields["text_config"] = changed(text, adds: false) }
    for (key, value) in own where fields[key] == nil && text?[key] == nil { fields[key] = value }
    return .object(fields)
  }
}
