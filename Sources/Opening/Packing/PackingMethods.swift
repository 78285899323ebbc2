import Containers
import Layouts
import Packing

/// The ways of packing weights that Graft reads.
enum PackingMethods {
  /// All methods with the words by which configs name them. Where no config names one, they are tried in
  /// this order.
  private static let all: [(word: String, type: any PackingMethod.Type)] = [
    ("mlx", MLXPacking.self), ("compressed-tensors", CompressedTensorsPacking.self),
    ("awq", AWQPacking.self), ("gptq", GPTQPacking.self),
    ("bitsandbytes", BitsandbytesPacking.self), ("modelopt", ModelOptPacking.self),
  ]

  /// The method that a config names, where parts of its weights are stored; nil else.
  /// - Throws: `Problem` for a claim that cannot be, or an option that is not read.
  static func claimed(by claim: QuantisationClaim, in checkpoint: StoredCheckpoint) throws
    -> (any PackingMethod)?
  {
    guard let type = all.first(where: { $0.word == claim.word })?.type,
      checkpoint.tensors.contains(where: { type.anchors.contains(where: $0.name.hasSuffix) })
    else { return nil }
    return try type.init(claim: claim.value)
  }

  /// All methods but one, to be recognised by tensors alone.
  static func others(than claim: QuantisationClaim?) -> [any PackingMethod] {
    all.filter { $0.word != claim?.word }.compactMap { try? $0.type.init(claim: nil) }
  }
}
