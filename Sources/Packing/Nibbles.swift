import Tensors

/// A weight of 4-bit integers in its simplest form: rows of codes, low half of a byte first, and for each
/// group of neighbours a scale and perhaps a bias, all as floats of one type.
///
/// ```
/// value = (code - zero) · scale (+ bias)
/// ```
public struct NibbleRows: Sendable {
  /// The codes of all rows, one after the other.
  public let codes: ByteRegion
  /// The length of a row of codes.
  /// - Units: bytes.
  public let rowBytes: Int
  /// The values of a group.
  public let group: Int
  /// The code that stands for zero.
  public let zero: Int
  /// The type of scales and biases.
  public let type: ScalarType
  /// The scales of all groups of all rows, row after row.
  public let scales: ByteRegion
  /// The biases, which lie like the scales.
  public let biases: ByteRegion?
}

extension GroupedWeight {
  var nibbles: NibbleRows? {
    guard case .integers(width: 4, let zero) = codes.kind, columnGroups.index == nil,
      case .float(let type) = scales.kind, type.isFloat, scales.global == nil,
      scales.rows.shared == 1, scales.count * columnGroups.size == columns
    else { return nil }
    var biases: ByteRegion?
    switch offset {
    case nil: break
    case .bias(let offset): biases = offset.region
    case .zero, .packedZero: return nil
    }
    return NibbleRows(
      codes: codes.region, rowBytes: codes.rowBytes, group: columnGroups.size, zero: zero,
      type: type, scales: scales.region, biases: biases)
  }
}
