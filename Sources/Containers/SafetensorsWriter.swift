import Diagnostics
import SystemPackage
import Tensors

/// Writes safetensors files that are byte for byte those of the reference writer.
public enum SafetensorsWriter {
  /// Writes a new file.
  /// - Parameters:
  ///   - tensors: in any order; they are produced in the order of the file.
  ///   - path: where to create the file, which must not exist; a name of an `OutputDirectory`.
  /// - Returns: the header that was written.
  /// - Throws: `Problem`, also of kind `invalid` where a producer delivers another number of bytes
  ///   than type and shape need.
  /// - Cost: the header and one buffer; no tensor is held.
  @discardableResult
  public static func write(
    _ tensors: [TensorToWrite],
    metadata: [(key: String, value: String)] = SafetensorsHeader.torchMetadata, to path: FilePath
  ) throws -> SafetensorsHeader {
    let header = try SafetensorsHeader(
      laying: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
    let start = try header.bytes()
    var sink = try ByteSink(creating: path, expected: start.count + header.dataCount)
    try sink.write(start)
    let byName = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    for entry in header.entries {
      guard let tensor = byName[entry.name] else { continue }
      let before = sink.count
      try tensor.produce(&sink)
      try check(entry, sink.count - before, path)
    }
    try sink.close()
    return header
  }

  private static func check(_ entry: SafetensorsHeader.Entry, _ count: Int, _ path: FilePath) throws
  {
    guard count != entry.range.count else { return }
    throw Problem(
      .invalid, "another number of bytes was produced than the tensor has", file: path.string,
      tensor: entry.name, expected: "\(entry.range.count) bytes", found: "\(count) bytes")
  }
}
