import Canonical
import Foundation
import SystemPackage
import Tensors

@testable import Containers

/// The reason why a fault cannot be planted in a base.
struct NotApplicable: Error {}

/// The weight files of a checkpoint as bytes that can be changed in place.
final class StoredElements {
  /// The elements of one role: where each lies in a file, in canonical order.
  struct Places {
    let file: String
    let type: ScalarType
    let offsets: [Int]
    /// The bytes of the whole stored tensor.
    let stored: Range<Int>
    var width: Int { type.unit.bytes }
  }

  private let directory: FilePath
  private var files: [String: [UInt8]] = [:]
  private(set) var hasChanged = false

  init(_ directory: FilePath) { self.directory = directory }

  /// Where the elements of a tensor lie.
  /// - Throws: `NotApplicable` for tensors that are put together in memory or stored in blocks.
  func places(_ tensor: CanonicalTensor, _ checkpoint: StoredCheckpoint) throws -> Places {
    guard let stored = checkpoint.tensor(tensor.origin), tensor.type.unit.elements == 1,
      let range = Self.mapped(tensor.region)
    else { throw NotApplicable() }
    let start = range.lowerBound
    return Places(
      file: FilePath(stored.file).lastComponent?.string ?? "", type: tensor.type,
      offsets: tensor.view.positions.map { start + $0 * tensor.type.unit.bytes },
      stored: range)
  }

  /// Where bytes lie in their file; nil for those that are put together in memory.
  private static func mapped(_ region: ByteRegion) -> Range<Int>? {
    if region.storage is MappedFile { return region.range }
    guard let entry = (region.storage as? Checksum)?.region, entry.storage is MappedFile else {
      return nil
    }
    let start = entry.range.lowerBound
    return start + region.range.lowerBound..<start + region.range.upperBound
  }

  /// The bits of elements.
  func bits(_ places: Places) throws -> [UInt32] {
    let bytes = try contents(places.file)
    return places.offsets.map { offset in
      (0..<places.width).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
  }

  /// Stores bits.
  func put(_ bits: [UInt32], _ places: Places) throws {
    try edit(places.file) { bytes in
      for (offset, value) in zip(places.offsets, bits) {
        for index in 0..<places.width {
          bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))
        }
      }
    }
  }

  /// The values of elements, without scales.
  func floats(_ places: Places) throws -> [Float] {
    let bytes = try contents(places.file)
    return bytes.withUnsafeBytes { raw in
      places.offsets.map { offset in
        FloatBits.load(UnsafeRawBufferPointer(rebasing: raw[offset...]), 0, places.type)
      }
    }
  }

  /// Stores values, rounded to the stored type.
  func put(_ values: [Float], _ places: Places) throws {
    guard places.type.isFloat else { throw NotApplicable() }
    try edit(places.file) { bytes in
      bytes.withUnsafeMutableBytes { raw in
        for (offset, value) in zip(places.offsets, values) {
          let place = UnsafeMutableRawBufferPointer(rebasing: raw[offset...])
          _ = FloatBits.store(value, place, 0, places.type)
        }
      }
    }
  }

  /// Changes the bytes of a file.
  func edit(_ file: String, _ body: (inout [UInt8]) -> Void) throws {
    let before = try contents(file)
    var after = before
    body(&after)
    files[file] = after
    if after != before { hasChanged = true }
  }

  /// The bytes of a file as they are now.
  func contents(_ file: String) throws -> [UInt8] {
    if let known = files[file] { return known }
    let url = URL(fileURLWithPath: directory.appending(file).string)
    let bytes = [UInt8](try Data(contentsOf: url))
    files[file] = bytes
    return bytes
  }

  /// Writes what has changed.
  func write() throws {
    for (file, bytes) in files {
      try Data(bytes).write(to: URL(fileURLWithPath: directory.appending(file).string))
    }
    files = [:]
  }
}
