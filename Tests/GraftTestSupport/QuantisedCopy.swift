import JSON
import SystemPackage

/// A checkpoint whose matrices are rounded to the nearest of the levels that a way of packing has, as it
/// should be or with one thing done wrong.
///
/// Codes and scales are computed and laid out here in the plainest way, after the descriptions of the
/// libraries, for weights of which both sizes are multiples of 32.
public struct QuantisedCopy {
  /// The ways of packing that are made here, all of 4 bits.
  public enum Form: String, CaseIterable, Sendable {
    /// MLX affine in groups of 32.
    case mlx
    /// GPTQ of the second version in groups of 32 that an order of activations chose.
    case gptq
    /// AWQ in groups of 32.
    case awq
    /// compressed-tensors, symmetric integers in groups of 32.
    case compressedTensors
    /// NVFP4 of compressed-tensors.
    case nvfp4
  }

  /// What is done wrong with a weight.
  public enum Fault: String, CaseIterable, Sendable {
    case groupAxis, scaleAndBias, zeroOffByOne, nibbles, actOrder, tileOrder, globalScale, zeroRows
    case headRows
  }

  /// The packed checkpoint.
  public let checkpoint: EditableCheckpoint

  /// The matrices that are packed.
  private static let ends = [
    "gate_proj", "up_proj", "down_proj", "in_proj_qkv", "in_proj_z", "out_proj", "q_proj", "k_proj",
    "v_proj", "o_proj",
  ]

  /// Packs the matrices of a checkpoint.
  /// - Parameters:
  ///   - fault: what is wrong, with the weight of a name that ends so.
  public init(_ source: FilePath, as form: Form, fault: (Fault, of: String)? = nil) throws {
    checkpoint = try EditableCheckpoint(copying: source)
    try checkpoint.editWeights { file in
      for tensor in file.tensors {
        guard let end = Self.ends.first(where: { tensor.name.hasSuffix(".\($0).weight") }) else {
          continue
        }
        let module = String(tensor.name.dropLast(".weight".count))
        let isSpoilt = fault.map { module.hasSuffix($0.of) && module.hasSuffix(end) } ?? false
        let weight = Rounded(tensor, isSpoilt ? fault?.0 : nil)
        file[tensor.name] = nil
        file.tensors += form == .nvfp4 ? weight.floats(module) : weight.integers(module, form)
      }
    }
    try checkpoint.claim(form == .mlx ? "quantization" : "quantization_config", form.claim)
  }
}

extension QuantisedCopy.Form {
  fileprivate var claim: JSONValue {
    switch self {
    case .mlx: ["group_size": 32, "bits": 4]
    case .gptq:
      [
        "quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": true,
        "checkpoint_format": "gptq_v2",
      ]
    case .awq: ["quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"]
    case .compressedTensors, .nvfp4:
      [
        "quant_method": "compressed-tensors",
        "format": self == .nvfp4 ? "nvfp4-pack-quantized" : "pack-quantized",
        "config_groups": [
          "group_0": [
            "targets": ["Linear"],
            "weights": self == .nvfp4
              ? ["num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16]
              : [
                "num_bits": 4, "type": "int", "strategy": "group", "group_size": 32,
                "symmetric": true,
              ],
          ]
        ], "ignore": ["lm_head"],
      ]
    }
  }
}

/// One weight, rounded.
private struct Rounded {
  private let rows: Int
  private let columns: Int
  private let values: [Float]
  private let fault: QuantisedCopy.Fault?

  init(_ tensor: PlainCheckpointFile.Tensor, _ fault: QuantisedCopy.Fault?) {
    (rows, columns, self.fault) = (tensor.shape[0], tensor.shape[1], fault)
    var values = tensor.floats
    // The rows of the last 16 outputs, a head, one place further; or zeros in some of them.
    if fault == .headRows {
      let head = (rows - 16) * columns
      values = Array(values[..<head] + values[(head + columns)...] + values[head..<head + columns])
    }
    if fault == .zeroRows {
      for place in (rows - 4) * columns..<rows * columns { values[place] = 0 }
    }
    self.values = values
  }

  // MARK: Integers

  private static let group = 32

  /// The group of each column: neighbours, or every other column of GPTQ.
  private func group(_ column: Int, _ form: QuantisedCopy.Form) -> Int {
    form == .gptq ? column % (columns / Self.group) : column / Self.group
  }

  func integers(_ module: String, _ form: QuantisedCopy.Form) -> [PlainCheckpointFile.Tensor] {
    let groups = columns / Self.group
    var scales = [Float](repeating: 0, count: rows * groups)
    var zeros = [UInt8](repeating: 8, count: rows * groups)
    var codes = [UInt8](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for group in 0..<groups {
        let members = (0..<columns).filter { self.group($0, form) == group }
        let part = members.map { values[row * columns + $0] }
        let (low, high) = (min(part.min() ?? 0, 0), max(part.max() ?? 0, 0))
        let place = row * groups + group
        let isSymmetric = form == .compressedTensors
        let scale = max(isSymmetric ? max(-low, high) / 7.5 : (high - low) / 15, 1e-6)
        scales[place] = form == .gptq || form == .awq ? Float(Float16(scale)) : scale
        if !isSymmetric { zeros[place] = UInt8((-low / scales[place]).rounded()) }
        for column in members {
          let level =
            (values[row * columns + column] / scales[place]).rounded() + Float(zeros[place])
          codes[row * columns + column] = UInt8(min(max(level, 0), 15))
        }
      }
    }
    if fault == .groupAxis { scales = Self.transposed(scales, rows, groups) }
    if fault == .zeroOffByOne { zeros = zeros.map { min($0 + 1, 15) } }
    switch form {
    case .mlx: return mlx(module, codes, scales, zeros)
    case .gptq, .awq: return columnwise(module, form, codes, scales, zeros)
    case .compressedTensors, .nvfp4:
      return [
        .init("\(module).weight_packed", "I32", [rows, columns / 8], pairs(codes)),
        .init("\(module).weight_scale", [rows, groups], scales),
        .init("\(module).weight_shape", [2], ids: [Int64(rows), Int64(columns)]),
      ]
    }
  }

  /// Read as if the axes were the other way round.
  private static func transposed(_ numbers: [Float], _ rows: Int, _ groups: Int) -> [Float] {
    (0..<groups).flatMap { group in (0..<rows).map { numbers[$0 * groups + group] } }
  }

  /// Two codes to a byte, the first in its low half.
  private func pairs(_ codes: [UInt8]) -> [UInt8] {
    stride(from: 0, to: codes.count, by: 2).map {
      fault == .nibbles ? codes[$0 + 1] | codes[$0] << 4 : codes[$0] | codes[$0 + 1] << 4
    }
  }

  private func mlx(_ module: String, _ codes: [UInt8], _ scales: [Float], _ zeros: [UInt8])
    -> [PlainCheckpointFile.Tensor]
  {
    let biases = zip(scales, zeros).map { -$0 * Float($1) }
    let isSwapped = fault == .scaleAndBias
    let shape = [rows, columns / Self.group]
    return [
      .init("\(module).weight", "U32", [rows, columns / 8], pairs(codes)),
      .init("\(module).scales", shape, isSwapped ? biases : scales),
      .init("\(module).biases", shape, isSwapped ? scales : biases),
    ]
  }

  /// GPTQ and AWQ: all inputs of an output below each other.
  private func columnwise(
    _ module: String, _ form: QuantisedCopy.Form, _ codes: [UInt8], _ scales: [Float],
    _ zeros: [UInt8]
  ) -> [PlainCheckpointFile.Tensor] {
    let groups = columns / Self.group
    let order = form == .awq && fault != .tileOrder ? [0, 2, 4, 6, 1, 3, 5, 7] : Array(0..<8)
    let turned = fault == .nibbles ? 1 : 0
    /// Words of eight numbers of one line.
    func words(_ numbers: (Int) -> UInt8, _ count: Int) -> [UInt8] {
      stride(from: 0, to: count, by: 8).flatMap { first in
        stride(from: 0, to: 8, by: 2).map {
          numbers(first + order[$0 ^ turned]) | numbers(first + order[($0 + 1) ^ turned]) << 4
        }
      }
    }
    let lines = (0..<groups).flatMap { group in words({ zeros[$0 * groups + group] }, rows) }
    let half = (0..<groups).flatMap { group in (0..<rows).map { scales[$0 * groups + group] } }
    var parts: [PlainCheckpointFile.Tensor] = [
      .init("\(module).qzeros", "I32", [groups, rows / 8], lines),
      .init(
        "\(module).scales", "F16", [groups, rows],
        half.flatMap { value in withUnsafeBytes(of: Float16(value)) { Array($0) } }),
    ]
    if form == .awq {
      let codes = (0..<columns).flatMap { column in words({ codes[$0 * columns + column] }, rows) }
      return parts + [.init("\(module).qweight", "I32", [columns, rows / 8], codes)]
    }
    let streams = (0..<rows).map { row in words({ codes[row * columns + $0] }, columns) }
    let qweight = (0..<columns / 8).flatMap { word in
      streams.flatMap { $0[word * 4..<word * 4 + 4] }
    }
    let index = (0..<columns).map {
      Int32(fault == .actOrder ? $0 / Self.group : group($0, form))
    }
    parts.append(
      .init("\(module).g_idx", "I32", [columns], index.withUnsafeBytes { Array($0) }))
    return parts + [.init("\(module).qweight", "I32", [columns / 8, rows], qweight)]
  }

  // MARK: Floats

  private static let levels: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]

  /// NVFP4: floats of 4 bits, a float of 8 bits for 16 of them, and one float for all.
  func floats(_ module: String) -> [PlainCheckpointFile.Tensor] {
    let largest = max(values.map(abs).max() ?? 0, 1e-6)
    let global = 2688 / largest
    var codes: [UInt8] = []
    var scales: [UInt8] = []
    for start in stride(from: 0, to: values.count, by: 16) {
      let part = values[start..<start + 16]
      let code = Self.e4m3((part.map(abs).max() ?? 0) / 6 * global)
      scales.append(code)
      let scale = Self.value(e4m3: code) / global
      codes += part.map { value in
        let size = abs(value) / max(scale, 1e-30)
        let near = Self.levels.indices.min {
          abs(Self.levels[$0] - size) < abs(Self.levels[$1] - size)
        }
        return UInt8(near ?? 0) | (value < 0 ? 8 : 0)
      }
    }
    let stored = fault == .globalScale ? 1 : global
    if fault == .groupAxis {
      let (rows, groups) = (rows, columns / 16)
      scales = (0..<groups).flatMap { group in (0..<rows).map { scales[$0 * groups + group] } }
    }
    return [
      .init("\(module).weight_packed", "U8", [rows, columns / 2], pairs(codes)),
      .init("\(module).weight_scale", "F8_E4M3", [rows, columns / 16], scales),
      .init("\(module).weight_global_scale", [1], [stored]),
    ]
  }

  private static func value(e4m3 code: UInt8) -> Float {
    let (exponent, fraction) = (Int(code >> 3), Float(code & 7))
    return exponent == 0
      ? fraction * 0x1p-9
      : Float(sign: .plus, exponent: exponent - 7, significand: 1 + fraction / 8)
  }

  /// The nearest code of a positive number.
  private static func e4m3(_ value: Float) -> UInt8 {
    (UInt8(1)...126).min { abs(self.value(e4m3: $0) - value) < abs(self.value(e4m3: $1) - value) }
      ?? 1
  }
}
