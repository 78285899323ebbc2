import Canonical
import Containers
import Layouts

/// Decides between layouts that all fit the names and shapes of a checkpoint. An example: with convolutions
/// over one position, the shapes of transformers and of mlx-lm are the same.
extension OpenedModel {
  /// The reading that stored values support, or else the metadata of the files; any reading where all mean
  /// the same model; nil where nothing decides.
  /// - Cost: reads the norms.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  static func settled(_ readings: [Reading], _ checkpoint: StoredCheckpoint) throws -> Reading? {
    if let reading = try byNorms(readings, checkpoint) { return reading }
    if let reading = byMetadata(readings, checkpoint) { return reading }
    let common = readings.first { isWrittenFor(Self.torchFormat, $0) } ?? readings.first
    guard let first = common, readings.allSatisfy({ meansTheSame($0, first) }) else { return nil }
    return adding("other layouts that fit mean the same", to: first)
  }

  private static func byNorms(_ readings: [Reading], _ checkpoint: StoredCheckpoint) throws
    -> Reading?
  {
    let signs = try readings.map { reading in
      try ValueSign.norms(centredNorms(reading.configuration, reading.binding, checkpoint))
    }
    let agreeing = readings.indices.filter { place in
      signs[place].contains { $0.verdict == .agrees } && !signs[place].contains(where: \.isDoubt)
    }
    guard agreeing.count == 1,
      signs.count(where: { $0.contains(where: \.isDoubt) }) == readings.count - 1
    else { return nil }
    return adding("norms tell: \(signs[agreeing[0]].first?.text ?? "")", to: readings[agreeing[0]])
  }

  /// The key under which safetensors files name the library they are for.
  private static let formatKey = "format"
  /// The value of that key in files for torch, which most files are.
  private static let torchFormat = "pt"

  private static func isWrittenFor(_ format: String, _ reading: Reading) -> Bool {
    reading.evidence.layout.metadata.contains { $0.key == formatKey && $0.value == format }
  }

  private static func byMetadata(_ readings: [Reading], _ checkpoint: StoredCheckpoint) -> Reading?
  {
    let named = Set(
      checkpoint.shards.flatMap(\.content.metadata).filter { $0.key == formatKey }.map(\.value))
    guard named.count == 1, let format = named.first else { return nil }
    let fitting = readings.filter { isWrittenFor(format, $0) }
    guard fitting.count == 1 else { return nil }
    return adding("metadata \(formatKey) is \(format)", to: fitting[0])
  }

  private static func meansTheSame(_ a: Reading, _ b: Reading) -> Bool {
    a.configuration.disagreements(with: b.configuration).isEmpty
      && a.binding.tensors.map(\.parts) == b.binding.tensors.map(\.parts)
      && a.binding.tensors.map(\.name) == b.binding.tensors.map(\.name)
  }
}

/// A reading with one more clause for its layout.
fileprivate func adding(_ clause: String, to reading: OpenedModel.Reading) -> OpenedModel.Reading {
  var reading = reading
  reading.evidence = reading.evidence.adding(clause)
  return reading
}
