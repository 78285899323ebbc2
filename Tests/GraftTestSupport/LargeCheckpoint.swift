import Foundation
import SystemPackage

/// A model of an embedding and a head without layers, each of them one large tensor of zeros that
/// takes no room on the disk.
public struct LargeCheckpoint {
  /// The directory.
  public let path: FilePath

  /// Makes the directory `big`.
  /// - Parameter megabytes: the size of both tensors together.
  public init(in directory: FilePath, megabytes: Int) throws {
    path = directory.appending("big")
    let (hidden, rows) = (128, megabytes << 20 / (2 * 128 * 4))
    let half = rows * hidden * 4
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: false)
    let config = """
      { "model_type": "gpt_base", "vocab_size": \(rows), "max_position_embeddings": 1,
        "hidden_size": \(hidden), "num_layers": 0, "normalization_function": "rmsnorm",
        "initializer_range": 0.02, "position_embedding_type": "nope", "init_method": "normal",
        "use_depth_scaled_init": false, "sequence_mixer_blocks": [], "mlp_blocks": [],
        "tie_word_embeddings": false }
      """
    try Data(config.utf8).write(to: URL(fileURLWithPath: path.appending("config.json").string))
    func entry(_ name: String, _ shape: [Int], _ start: Int) -> String {
      let end = start + shape.reduce(4, *)
      return "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
    }
    let entries = [
      entry("lm_head.weight", [rows, hidden], 0), entry("transformer.ln_f.weight", [hidden], half),
      entry("transformer.wte.weight", [rows, hidden], half + hidden * 4),
    ]
    var header = "{\(entries.joined(separator: ","))}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    bytes += Data(header.utf8)
    let file = URL(fileURLWithPath: path.appending("model.safetensors").string)
    try bytes.write(to: file)
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: UInt64(bytes.count + 2 * half + hidden * 4))
    try handle.close()
  }
}
