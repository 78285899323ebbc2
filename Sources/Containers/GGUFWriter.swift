import Diagnostics
import SystemPackage
import Tensors

/// Writes GGUF files as llama.cpp insists on them: tensors one after the other, each padded.
public enum GGUFWriter {
  /// Writes a new file.
  /// - Parameters:
  ///   - tensors: in the order of the file; their data come in the same order.
  ///   - path: where to create the file, which must not exist; a name of an `OutputDirectory`.
  /// - Throws: `Problem` of kind `unsupported` where GGUF has no such type, name or shape, `io`, or
  ///   `invalid` where a producer delivers another number of bytes than type and shape need.
  /// - Cost: the header and one buffer; no tensor is held.
  public static func write(
    _ tensors: [TensorToWrite], metadata: GGUFHeader.Metadata, to path: FilePath
  ) throws {
    let header = try GGUFHeader(
      laying: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
    let start = header.bytes
    var sink = try ByteSink(creating: path, expected: start.count + header.dataCount)
    try sink.write(start)
    for (entry, tensor) in zip(header.entries, tensors) {
      try pad(&sink, to: header.dataStart + entry.offset)
      try tensor.produce(&sink)
      let count = sink.count - header.dataStart - entry.offset
      guard count == entry.byteCount else {
        throw Problem(
          .invalid, "another number of bytes was produced than the tensor has", file: path.string,
          tensor: entry.name, expected: "\(entry.byteCount) bytes", found: "\(count) bytes")
      }
    }
    try pad(&sink, to: header.dataStart + header.dataCount)
    try sink.close()
  }

  private static func pad(_ sink: inout ByteSink, to position: Int) throws {
    try sink.write([UInt8](repeating: 0, count: max(position - sink.count, 0)))
  }
}
