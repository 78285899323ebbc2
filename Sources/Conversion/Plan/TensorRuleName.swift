import Packing
import Tensors

/// The rule by which a stored tensor comes about, for reports.
public enum TensorRuleName: Hashable, Sendable {
  /// The bytes of the source, where they were.
  case copied
  /// The bytes of the source in another order.
  case rearranged
  /// The values of the source in another type.
  case cast(from: ScalarType, to: ScalarType)
  /// Quantised values of the source times their scales.
  case dequantised(from: ScalarType, to: ScalarType)
  /// The values of a packed weight.
  case unpacked(PackingScheme, to: ScalarType)
  /// Values of the source packed into several tensors, of which this is one.
  case quantised(PackingScheme)
  /// Values computed from those of the source, such as a norm with one added.
  case computed(ScalarType)
  /// The codes of a packed weight of the source in other parts, rows or blocks.
  case repacked(from: PackingScheme, to: PackingScheme)
  /// The bytes of the source, of which only the name is understood.
  case carried
  /// The rows of the source, fewer of them or zeros behind them, perhaps in another type.
  case resized
  /// Bytes of a former layout that the record of a conversion kept.
  case restored
  /// Values of the source with the changes of adapters.
  case merged
  /// Values of the fine-tuned copy among parts of the checkpoint it came from.
  case tuned
  /// Norms or decay rates of the source with values that the layout wants.
  case mended
  /// The values of a donor.
  case donated
  /// Values that no checkpoint held before.
  case new

  /// The words of a report.
  public var text: String {
    switch self {
    case .copied: "copied"
    case .rearranged: "rearranged"
    case .cast(let from, let to): "cast \(from.rawValue) to \(to.rawValue)"
    case .dequantised(let from, let to): "dequantised \(from.rawValue) to \(to.rawValue)"
    case .unpacked(let scheme, let to): "dequantised \(scheme.text) to \(to.rawValue)"
    case .quantised(let scheme): "quantised to \(scheme.text)"
    case .repacked(let from, let to):
      from == to ? "moved packed, \(to.text)" : "repacked \(from.text) as \(to.text)"
    case .computed(let type): "computed as \(type.rawValue)"
    case .carried: "carried"
    case .resized: "cut or padded"
    case .restored: "restored"
    case .merged: "merged"
    case .tuned: "of the fine-tuned copy"
    case .mended: "mended"
    case .donated: "donated"
    case .new: "new"
    }
  }

  /// Whether values are those of the source, though not its bytes.
  var keepsValues: Bool {
    if case .unpacked(_, to: .f32) = self { return true }
    return self == .rearranged || self == .tuned
  }
  /// Whether the bytes come from elsewhere than the files of the source.
  var isUnpacked: Bool { if case .unpacked = self { true } else { false } }
  /// Whether codes of the source stand in other parts.
  var isRepacked: Bool { if case .repacked = self { true } else { false } }
}
