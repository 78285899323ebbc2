import Kernels
import Platform

extension StoredRows {
  /// Copies some values of some rows, which are BF16 and so the only part of themselves, into a band.
  ///
  /// Missing rows repeat the last one, and missing columns are zero.
  /// - Shape: `band` `[steps, pair]`.
  func copyBand(rows: Range<Int>, columns: Range<Int>, to band: UnsafeMutableRawPointer) {
    typealias Row = SIMD8<UInt64>
    let (size, bytes) = (PartShape.rowBytes, columns.count * 2)
    let whole = bytes / size
    for index in 0..<PartShape.band {
      let row = min(rows.lowerBound + index, rows.upperBound - 1)
      let source = self[row] + columns.lowerBound * 2
      let target = band + index * size
      for step in 0..<whole {
        (target + step * PartShape.pairBytes).storeBytes(
          of: (source + step * size).loadUnaligned(as: Row.self), as: Row.self)
      }
      guard whole * size < bytes else { continue }
      let last = target + whole * PartShape.pairBytes
      memset(last, 0, size)
      last.copyMemory(from: source + whole * size, byteCount: bytes - whole * size)
    }
  }
}
