import Canonical
import Containers
import Layouts
import Opening
import Packing
import Tensors

extension CheckpointPlan.Tensor {
  /// A tensor and, where its weights stay quantised, its scales.
  static func withScales(_ move: TensorMove) -> [Self] {
    [Self(move)] + (move.scales.map { [Self($0)] } ?? [])
  }

  init(_ move: TensorMove) {
    self.init(
      name: move.target.name, type: move.type, shape: move.target.shape, rule: move.rule,
      content: .move(move))
  }

  /// The values of packed weights.
  static func unpacked(_ scheme: PackingScheme, _ move: TensorMove) -> Self {
    Self(
      name: move.target.name, type: move.type, shape: move.target.shape,
      rule: .unpacked(scheme, to: move.type), content: .move(move))
  }

  /// A part of a packed weight.
  init(_ part: PackedPart, _ repacking: Repacking, rule: TensorRuleName) {
    self.init(
      name: part.name, type: part.type, shape: part.shape, rule: rule,
      content: .part(part, of: repacking))
  }

  init(_ stored: StoredTensor, rule: TensorRuleName) {
    self.init(
      name: stored.name, type: stored.type, shape: stored.shape, rule: rule,
      content: .stored(stored))
  }
}

extension TensorMove {
  /// Whether BF16 values are computed and stored as F32, because BF16 does not hold them.
  var isWidened: Bool {
    type == .f32 && !target.storedType.isFixed && parts.contains { $0.source.steps != $0.steps }
      && parts.allSatisfy { $0.source.type == .bf16 }
  }

  fileprivate var rule: TensorRuleName {
    if !staysScaled, let scaled = parts.first(where: { $0.source.scales != nil }) {
      return .dequantised(from: scaled.source.type, to: type)
    }
    if parts.contains(where: \.source.isMerged) { return .merged }
    if parts.contains(where: \.source.isForeign) { return .tuned }
    if parts.contains(where: \.source.isRestored) { return .restored }
    if parts.contains(where: \.source.isResized) { return .resized }
    if parts.contains(where: { $0.source.steps != $0.steps }) { return .computed(type) }
    let changed = parts.filter { !isVerbatim($0) }.map(\.source.type)
    if let from = changed.min(by: { $0.writingOrder < $1.writingOrder }) {
      return .cast(from: from, to: type)
    }
    return wholeSource == nil ? .rearranged : .copied
  }
}
