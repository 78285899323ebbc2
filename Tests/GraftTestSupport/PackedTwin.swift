import JSON
import SystemPackage

/// A checkpoint whose matrices are packed, and one that holds the same values as F32.
///
/// Codes are drawn, not fitted: only that both mean the same matters. Values are computed here in the
/// plainest way.
public struct PackedTwin {
  /// The ways of packing that are made here.
  public enum Form: String, CaseIterable, Sendable {
    /// MLX, 4 bits in groups of 32.
    case mlx
    /// compressed-tensors, 8 bits with a scale for each row, and scales of activations.
    case compressedTensors
    /// ModelOpt's FP8, as a file beside the config says.
    case modelOpt
  }

  /// The packed checkpoint.
  public let packed: EditableCheckpoint
  /// The plain one.
  public let plain: EditableCheckpoint
  /// The names of the weights that are packed in one of both.
  public let weights: [String]

  /// The matrices that are packed: those of the MLP and the large ones of the mixers.
  private static let ends = [
    "gate_proj.weight", "up_proj.weight", "down_proj.weight", "in_proj_qkv.weight", "o_proj.weight",
  ]

  /// Packs the matrices of a checkpoint in F32, BF16 or F16.
  public init(_ source: FilePath, as form: Form) throws {
    packed = try EditableCheckpoint(copying: source)
    plain = try EditableCheckpoint(copying: source)
    var generator = SeededGenerator(seed: 7)
    let names = try EditableCheckpoint.tensors(of: source).keys
      .filter { name in Self.ends.contains(where: name.hasSuffix) }.sorted()
    weights = names
    var pairs: [(name: String, parts: [PlainCheckpointFile.Tensor], values: [Float])] = []
    try plain.editWeights { file in
      for name in names {
        guard let shape = file[name]?.shape else { continue }
        let module = String(name.dropLast(".weight".count))
        let (parts, values) = form.packed(module, shape, &generator)
        pairs.append((name, parts, values))
        file[name] = .init(name, shape, values)
      }
    }
    try packed.editWeights { file in
      for (name, parts, _) in pairs {
        file[name] = nil
        file.tensors += parts
      }
    }
    try form.announce(in: packed)
  }
}

extension PackedTwin.Form {
  /// The parts of a weight and its values.
  fileprivate func packed(
    _ module: String, _ shape: [Int], _ generator: inout SeededGenerator
  ) -> (parts: [PlainCheckpointFile.Tensor], values: [Float]) {
    let (rows, columns) = (shape[0], shape[1])
    let bytes = (0..<rows * columns).map { _ in UInt8.random(in: 0...255, using: &generator) }
    switch self {
    case .mlx: return mlx(module, rows, columns, bytes)
    case .compressedTensors:
      let scales = (0..<rows).map { Float($0 % 7 + 1) / 4096 }
      let values = bytes.indices.map { Float(Int8(bitPattern: bytes[$0])) * scales[$0 / columns] }
      return (
        [
          .init("\(module).weight", "I8", shape, bytes),
          .init("\(module).weight_scale", [rows, 1], scales),
          .init("\(module).input_scale", [1], [0.5]),
        ], values
      )
    case .modelOpt:
      let codes = bytes.map { (byte: UInt8) -> UInt8 in (byte & 0x80) | (0x20 + byte % 0x18) }
      let scale: Float = 0.25
      return (
        [
          .init("\(module).weight", "F8_E4M3", shape, codes),
          .init("\(module).weight_scale", [], [scale]),
          .init("\(module).input_scale", [], [0.5]),
        ], codes.map { Self.e4m3($0) * scale }
      )
    }
  }

  private func mlx(_ module: String, _ rows: Int, _ columns: Int, _ bytes: [UInt8])
    -> (parts: [PlainCheckpointFile.Tensor], values: [Float])
  {
    let group = 32
    let groups = rows * columns / group
    let scales = (0..<groups).map { Float($0 % 5 + 1) / 512 }
    let biases = (0..<groups).map { -Float($0 % 3 + 1) / 64 }
    let codes = bytes.map { $0 & 15 }
    let values = codes.indices.map { Float(codes[$0]) * scales[$0 / group] + biases[$0 / group] }
    let packed = stride(from: 0, to: codes.count, by: 2).map { codes[$0] | codes[$0 + 1] << 4 }
    return (
      [
        .init("\(module).weight", "U32", [rows, columns / 8], packed),
        .init("\(module).scales", [rows, columns / group], scales),
        .init("\(module).biases", [rows, columns / group], biases),
      ], values
    )
  }

  private static func e4m3(_ code: UInt8) -> Float {
    let exponent = Int((code >> 3) & 15) - 10
    let magnitude = Float(sign: .plus, exponent: exponent, significand: Float((code & 7) | 8))
    return code & 0x80 == 0 ? magnitude : -magnitude
  }

  /// Says in the config, or beside it, how weights are packed.
  fileprivate func announce(in checkpoint: EditableCheckpoint) throws {
    switch self {
    case .mlx: try checkpoint.claim("quantization", ["group_size": 32, "bits": 4])
    case .compressedTensors:
      try checkpoint.claim(
        "quantization_config",
        [
          "quant_method": "compressed-tensors", "format": "int-quantized",
          "config_groups": [
            "group_0": [
              "targets": ["Linear"],
              "weights": ["num_bits": 8, "type": "int", "strategy": "channel", "symmetric": true],
            ]
          ], "ignore": ["lm_head"],
        ])
    case .modelOpt:
      let text = #"""
        {"producer": {"name": "modelopt"},
         "quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head"]}}
        """#
      try checkpoint.write("hf_quant_config.json", text.utf8)
    }
  }
}

extension EditableCheckpoint {
  /// Adds a claim to the config.
  public func claim(_ key: String, _ value: JSONValue) throws {
    try editConfig { config in
      guard case .object(var object) = config else { return }
      object[key] = value
      config = .object(object)
    }
  }
}
