import JSON
import Packing
import Reports

/// How weights are stored in blocks, type by type.
extension ModelSummary {
  private var blocks: [(scheme: PackingScheme, tensors: Int)] {
    types.compactMap { entry in StoredValues.scheme(of: entry.type).map { ($0, entry.tensors) } }
  }

  var blockLines: [String] {
    blocks.map { "\(Quantity.of($0.tensors, "tensor")): \($0.scheme.text)" }
  }

  var blocksJSON: [JSONObject] {
    blocks.map { scheme, tensors in
      [
        "method": .string(scheme.method), "bits": JSONValue(scheme.bits),
        "group": scheme.group.map { JSONValue($0) } ?? .null, "tensors": JSONValue(tensors),
      ]
    }
  }
}
