import Canonical

/// What a stored tensor seems to be for which a layout has no use.
///
/// Only some kinds can be left out without changing what the model is; the others are never let go by
/// a general permission.
public enum StrayTensor: String, CaseIterable, Sendable {
  /// A tensor of the vision tower, or of the projector between it and the text model.
  case vision
  /// Of multi-token prediction.
  case prediction
  /// Of a layer behind the last one that the config counts.
  case layer
  /// The head of the model, or of a classifier.
  case head
  /// A scale or another part of a quantised weight.
  case packed
  /// Nothing that is known.
  case unknown

  /// The kinds that may be left out where all tensors without a place may.
  public static let extra: Set<StrayTensor> = [.vision, .unknown]

  /// The kind in the words of a report.
  public var text: String {
    switch self {
    case .vision: "of the vision tower"
    case .prediction: "of multi-token prediction"
    case .layer: "of a layer that the config does not count"
    case .head: "a head"
    case .packed: "a part of a quantised weight"
    case .unknown: "not known"
    }
  }

  /// What can be done about a tensor of this kind that has no place.
  public var remedy: String {
    switch self {
    case .vision: "leave them out with --allow vision or --allow extra"
    case .prediction: "leave out those of multi-token prediction with --mtp drop"
    case .layer: "correct the number of layers in the config"
    case .head: "convert to a layout that has a place for the head"
    case .packed:
      "take the checkpoint that was quantised, or dequantise it with the tool that made it"
    case .unknown: "leave them out with --allow extra"
    }
  }

  /// What the name of a stored tensor tells.
  /// - Parameters:
  ///   - layers: the number of layers of the model.
  ///   - isWeight: whether a name is that of a weight, stored or asked for by the layout.
  public init(_ name: String, layers: Int, isWeight: (String) -> Bool) {
    let parts = name.split(separator: ".")
    if PackedName.isPart(name, isWeight: isWeight) {
      self = .packed
    } else if parts.contains("mtp") || parts.contains("nextn") {
      self = .prediction
    } else if Self.layer(of: parts) >= layers {
      self = .layer
    } else if Self.heads.contains(name) || Self.headEndings.contains(where: name.hasSuffix)
      || OtherHead.owns(name)
    {
      self = .head
    } else if parts.contains(where: Self.isVision) || Self.projectors.contains(parts.first ?? "") {
      self = .vision
    } else {
      self = .unknown
    }
  }

  private static let heads: Set<String> = [
    "lm_head.weight", "lm_head.bias", "output.weight", "embed_out.weight",
  ]
  private static let headEndings = [".lm_head.weight", ".lm_head.bias"]
  /// How names of a tower begin in GGUF files.
  private static let projectors: Set<Substring> = ["v", "mm"]

  private static func isVision(_ part: Substring) -> Bool {
    part.hasPrefix("vis") && (part.hasPrefix("visual") || part.hasPrefix("vision"))
      || part == "multi_modal_projector" || part == "image_newline" || part == "vit"
  }

  /// The layer that a name of the text model names; -1 for none.
  private static func layer(of parts: [Substring]) -> Int {
    guard !parts.contains(where: isVision), parts.first != "v",
      let place = parts.firstIndex(where: { $0 == "layers" || $0 == "blk" || $0 == "h" }),
      place + 1 < parts.count
    else { return -1 }
    return Int(parts[place + 1]) ?? -1
  }
}
