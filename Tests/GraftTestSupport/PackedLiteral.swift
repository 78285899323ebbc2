import Diagnostics
import JSON
import Packing
import Tensors

/// A weight written out in a test: a method, what a config says, and parts of one module.
public struct PackedLiteral: Sendable {
  /// A part: its type and shape, and its bytes; zeros where none are given.
  public struct Part: Sendable {
    let type: ScalarType
    let shape: [Int]
    let bytes: [UInt8]

    /// A part of these bytes.
    public init(type: ScalarType, shape: [Int], bytes: [UInt8] = []) {
      (self.type, self.shape, self.bytes) = (type, shape, bytes)
    }
  }

  private let method: any PackingMethod.Type
  private var claim: JSONValue?
  private var anchor: String
  /// The parts by the ends of their names.
  public private(set) var parts: [String: Part]

  /// A weight of these parts.
  public init(
    method: any PackingMethod.Type, claim: JSONValue?, anchor: String, parts: [String: Part]
  ) {
    (self.method, self.claim, self.anchor, self.parts) = (method, claim, anchor, parts)
  }

  /// The name of the module.
  public static let module = "layers.0.mlp.up_proj"

  /// The weight; nil where its parts are those of another method.
  public func open() throws -> (any PackedWeight)? {
    try method.init(claim: claim).weight(of: Self.module, anchor: anchor) { end in
      parts[end].map { part in
        let zeros = [UInt8](repeating: 0, count: TensorShape.byteCount(part.shape, part.type) ?? 0)
        return PackedPart(
          name: Self.module + end, type: part.type, shape: part.shape,
          region: ByteRegion(OwnedBytes(part.bytes.isEmpty ? zeros : part.bytes)))
      }
    }
  }

  /// The problem that opening it throws.
  public func problem() -> Problem? {
    do {
      _ = try open()
      return nil
    } catch { return error as? Problem }
  }

  /// The same with another claim.
  public func with(_ claim: JSONValue?) -> PackedLiteral {
    var copy = self
    copy.claim = claim
    return copy
  }

  /// The same with another part.
  public func with(_ end: String, _ type: ScalarType, _ shape: [Int], _ bytes: [UInt8] = [])
    -> PackedLiteral
  {
    var copy = self
    copy.parts[end] = Part(type: type, shape: shape, bytes: bytes)
    return copy
  }

  /// The same with another part.
  public func with(_ end: String, _ part: Part) -> PackedLiteral {
    with(end, part.type, part.shape, part.bytes)
  }

  /// The same, found by another part.
  public func anchored(_ anchor: String) -> PackedLiteral {
    var copy = self
    copy.anchor = anchor
    return copy
  }

  /// The same without a part.
  public func without(_ end: String) -> PackedLiteral {
    var copy = self
    copy.parts[end] = nil
    return copy
  }
}

/// One weight of each kind, whose parts fit.
extension PackedLiteral {
  /// MLX affine, 4 bits in groups of 64.
  public static let mlx = PackedLiteral(
    method: MLXPacking.self, claim: ["group_size": 64, "bits": 4], anchor: ".scales",
    parts: [
      ".weight": .init(type: .u32, shape: [2, 16]), ".scales": .init(type: .bf16, shape: [2, 2]),
      ".biases": .init(type: .bf16, shape: [2, 2]),
    ])

  /// MLX mxfp4, one group.
  public static let mxfp4 = PackedLiteral(
    method: MLXPacking.self, claim: ["mode": "mxfp4", "group_size": 32, "bits": 4],
    anchor: ".scales",
    parts: [
      ".weight": .init(type: .u32, shape: [1, 4]), ".scales": .init(type: .u8, shape: [1, 1]),
    ])

  /// Packed integers of compressed-tensors, 4 bits in groups of 32.
  public static let integers = PackedLiteral(
    method: CompressedTensorsPacking.self, claim: compressed(["num_bits": 4, "group_size": 32]),
    anchor: ".weight_packed",
    parts: [
      ".weight_packed": .init(type: .i32, shape: [3, 8]),
      ".weight_scale": .init(type: .bf16, shape: [3, 2]),
      ".weight_shape": .init(type: .i64, shape: [2], bytes: words64([3, 64])),
    ])

  /// GPTQ, 4 bits in groups of 32, with an index.
  public static let gptq = PackedLiteral(
    method: GPTQPacking.self, claim: ["bits": 4, "group_size": 32], anchor: ".qweight",
    parts: [
      ".qweight": .init(type: .i32, shape: [8, 8]), ".qzeros": .init(type: .i32, shape: [2, 1]),
      ".scales": .init(type: .f16, shape: [2, 8]), ".g_idx": .init(type: .i32, shape: [64]),
    ])

  /// AWQ, groups of 32.
  public static let awq = PackedLiteral(
    method: AWQPacking.self, claim: ["bits": 4, "group_size": 32, "version": "gemm"],
    anchor: ".qweight",
    parts: [
      ".qweight": .init(type: .i32, shape: [64, 2]), ".qzeros": .init(type: .i32, shape: [2, 2]),
      ".scales": .init(type: .f16, shape: [2, 16]),
    ])

  /// The nf4 of bitsandbytes, two blocks.
  public static let nf4 = PackedLiteral(
    method: BitsandbytesPacking.self, claim: ["load_in_4bit": true, "bnb_4bit_quant_type": "nf4"],
    anchor: nf4State,
    parts: [
      ".weight": .init(type: .u8, shape: [64, 1]),
      ".weight.absmax": .init(type: .f32, shape: [2]),
      ".weight.quant_map": .init(type: .f32, shape: [16]),
      nf4State: state(#"{"quant_type": "nf4", "blocksize": 64, "shape": [2, 64]}"#),
    ])

  /// The int8 of bitsandbytes.
  public static let int8 = PackedLiteral(
    method: BitsandbytesPacking.self, claim: ["load_in_8bit": true], anchor: ".SCB",
    parts: [
      ".weight": .init(type: .i8, shape: [2, 3]), ".SCB": .init(type: .f32, shape: [2]),
      ".weight_format": .init(type: .u8, shape: []),
    ])

  /// ModelOpt's NVFP4.
  public static let modelOpt = PackedLiteral(
    method: ModelOptPacking.self, claim: ["quantization": ["quant_algo": "NVFP4"]],
    anchor: ".weight_scale",
    parts: [
      ".weight": .init(type: .u8, shape: [2, 16]),
      ".weight_scale": .init(type: .f8E4M3, shape: [2, 2]),
      ".weight_scale_2": .init(type: .f32, shape: []),
    ])

  /// The end of the name of a state.
  public static let nf4State = ".weight.quant_state.bitsandbytes__nf4"

  /// A part that holds JSON.
  public static func state(_ text: String) -> Part {
    Part(type: .u8, shape: [text.utf8.count], bytes: Array(text.utf8))
  }

  /// A claim of compressed-tensors with one group of weights.
  public static func compressed(_ weights: JSONValue, _ more: JSONValue = [:]) -> JSONValue {
    var claim: JSONValue = ["config_groups": ["group_0": ["weights": weights]]]
    for (key, value) in more.object?.entries ?? [] { claim[key] = value }
    return claim
  }

  /// The bytes of numbers.
  public static func words64(_ numbers: [Int64]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }

  /// The bytes of numbers.
  public static func words32(_ numbers: [Int32]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }
}
