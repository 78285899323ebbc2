import Diagnostics
import SystemPackage
import Tensors

/// Writes GGUF files as llama.cpp insists on them: tensors one after the other, each padded.
public enum GGUFWriter {
  /// Writes a new file.
  /// - Parameters:
  ///   - tensors: in the order of the file; their data come in the same order.
  ///   - location: where to create the file, which must not exist; a name of an `OutputDirectory`.
  /// - Throws: `Problem` of kind `unsupported` where GGUF has no such type, name or shape, `io`, or
  ///   `invalid` where a producer delivers another number of bytes than type and shape need.
  /// - Cost: the header and one buffer; no tensor is held.
  public static func write(
    _ tensors: [TensorToWrite], metadata: GGUFHeader.Metadata, to location: some FileLocation
  ) throws {
    try WeightFileWriter.write(
      tensors, plan(of: tensors.map(\.header), metadata: metadata), to: location)
  }

  static func plan(of tensors: [TensorHeader], metadata: GGUFHeader.Metadata) throws
    -> WeightFilePlan
  {
    let header = try GGUFHeader(
      laying: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
    return WeightFilePlan(
      count: header.dataStart + header.dataCount,
      slots: header.entries.map { entry in
        .init(offset: header.dataStart + entry.offset, count: entry.byteCount, sum: nil)
      },
      frames: [.init(offset: 0, bytes: header.bytes)])
  }
}
