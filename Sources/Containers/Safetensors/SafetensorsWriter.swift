import Diagnostics
import SystemPackage
import Tensors

/// Writes safetensors files that are byte for byte those of the reference writer.
public enum SafetensorsWriter {
  /// Writes a new file.
  /// - Parameters:
  ///   - tensors: in any order.
  ///   - location: where to create the file, which must not exist; a name of an `OutputDirectory`.
  /// - Throws: `Problem`, also of kind `invalid` where a producer delivers another number of bytes
  ///   than type and shape need.
  /// - Cost: the header and one buffer; no tensor is held.
  public static func write(
    _ tensors: [TensorToWrite],
    metadata: [(key: String, value: String)] = SafetensorsHeader.torchMetadata,
    to location: some FileLocation
  ) throws {
    try WeightFileWriter.write(
      tensors, plan(of: tensors.map(\.header), metadata: metadata), to: location)
  }

  static func plan(of tensors: [TensorHeader], metadata: [(key: String, value: String)]) throws
    -> WeightFilePlan
  {
    let header = try SafetensorsHeader(
      laying: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
    let start = try header.bytes()
    let ranges = Dictionary(
      header.entries.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    return WeightFilePlan(
      count: start.count + header.dataCount,
      slots: tensors.map { tensor in
        let range = ranges[tensor.name] ?? 0..<0
        return .init(offset: start.count + range.lowerBound, count: range.count, sum: nil)
      },
      frames: [.init(offset: 0, bytes: start)])
  }
}
