import CPlatform
import Kernels

/// The tiles of the processor that runs this.
enum ProcessorTiles: TileUnit {
  static func begin() { tiles_begin() }

  static func end() { tiles_end() }

  static func load(_ sums: MutableFloats, columns: Int) { tiles_load(sums, Int32(columns)) }

  static func multiply(
    _ band: UnsafeRawPointer, _ panel: UnsafeRawPointer, parts: Int, columns: Int
  ) {
    tiles_multiply(
      band, panel, Int32(truncatingIfNeeded: parts), Int32(truncatingIfNeeded: columns))
  }

  static func store(_ sums: MutableFloats, columns: Int) { tiles_store(sums, Int32(columns)) }
}
