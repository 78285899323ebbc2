import Canonical
import Diagnostics
import Layouts
import Opening
import Packing
import Tensors

extension TensorMove {
  func checkCast(tears: Bool) throws {
    if type.byteWidth == nil, !type.isBlock, wholeSource == nil {
      throw Problem(
        .unsupported, "elements that do not fill whole bytes can only be copied as a whole",
        tensor: target.name, found: type.rawValue,
        remedy: "store them in another type, or choose a layout that keeps their order")
    }
    for moved in parts {
      if isVerbatim(moved) {
        if !tears { try checkBlocks(moved) }
        continue
      }
      guard moved.source.isComputable, StoredValues.canStore(type) else {
        throw Problem(
          .unsupported, "values of this type can only be moved, not changed", tensor: target.name,
          expected: type.rawValue, found: moved.source.type.rawValue,
          remedy: "leave out --dtype, or choose a layout that stores these values as they are")
      }
    }
  }

  /// Refuses to tear blocks of quantised values apart.
  private func checkBlocks(_ moved: MovedPart) throws {
    guard type.isBlock, wholeSource == nil, moved.pairing.inBlocks(of: type.unit.elements) == nil
    else { return }
    throw Problem(
      .unsupported, "a block of quantised values cannot be torn apart", tensor: target.name,
      expected: "whole blocks of \(type.unit.elements)", found: type.rawValue,
      remedy: "choose a type of single values with --dtype f32, bf16 or f16")
  }
}
