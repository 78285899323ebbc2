import JSON
import Tensors

extension CompressedTensorsForm.Storage {
  func codes(_ bits: Int) -> CodedForm.Codes {
    switch self {
    case .packed: .integers(bits: bits)
    case .integers: .integers(bits: 8)
    case .float8, .mxfp8: .float8
    case .nvfp4, .mxfp4: .float4
    }
  }

  /// Whether a format names the storage, or none is named.
  func fits(_ format: String?) -> Bool {
    switch format {
    case nil, "mixed-precision", "dense": true
    case "naive-quantized": self == .integers || self == .float8
    case let format?: self.format == .string(format)
    }
  }

  var format: JSONValue {
    switch self {
    case .packed: "pack-quantized"
    case .integers: "int-quantized"
    case .float8: "float-quantized"
    case .mxfp8: "mxfp8-quantized"
    case .nvfp4: "nvfp4-pack-quantized"
    case .mxfp4: "mxfp4-pack-quantized"
    }
  }

  var type: JSONValue { self == .packed || self == .integers ? "int" : "float" }
}

extension CompressedTensorsForm {
  /// What a config says of the form.
  var entry: JSONValue {
    var weights: JSONObject = [
      "num_bits": JSONValue(bits), "type": storage.type, "symmetric": .bool(isSymmetric),
      "dynamic": false,
    ]
    switch sharing {
    case .tensor: weights["strategy"] = "tensor"
    case .channel: weights["strategy"] = "channel"
    case .group(let size):
      weights["strategy"] = storage == .nvfp4 ? "tensor_group" : "group"
      weights["group_size"] = JSONValue(size)
    case .block(let block):
      weights["strategy"] = "block"
      weights["block_structure"] = [JSONValue(block.rows), JSONValue(block.columns)]
    }
    switch storage {
    case .nvfp4: weights["scale_dtype"] = "torch.float8_e4m3fn"
    case .mxfp4, .mxfp8: weights["scale_dtype"] = "torch.uint8"
    case .packed, .integers, .float8: break
    }
    return .object([
      "weights": .object(weights), "input_activations": .null, "output_activations": .null,
      "format": storage.format,
    ])
  }
}
