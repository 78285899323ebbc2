import JSON
import Packing
import Tensors

@testable import Containers

/// Readers of packed weights: what a config says of them in the first line, then a safetensors file with
/// their parts.
enum PackingReader {
  /// The most values of a weight that are decoded.
  private static let mostValues = 1 << 14

  static func read(_ input: UnsafeRawBufferPointer, _ type: any PackingMethod.Type) throws {
    let end = input.firstIndex(of: UInt8(ascii: "\n")) ?? input.endIndex
    let line = UnsafeRawBufferPointer(rebasing: input[..<end])
    let method = try type.init(claim: line.isEmpty ? nil : JSONValue(parsing: line))
    let rest = Array(input[min(end + 1, input.endIndex)...])
    let bytes = OwnedBytes(count: rest.count)
    bytes.mutableBytes.copyBytes(from: rest)
    let file = try SafetensorsFile(bytes, name: "input")
    let tensors = Dictionary(
      file.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for tensor in file.tensors {
      for anchor in type.anchors where tensor.name.hasSuffix(anchor) {
        let module = String(tensor.name.dropLast(anchor.count))
        let weight = try? method.weight(of: module, anchor: anchor) { end in
          tensors[module + end].map {
            PackedPart(name: $0.name, type: $0.type, shape: $0.shape, region: $0.region)
          }
        }
        if let weight { try decode(weight) }
      }
    }
  }

  /// Reads the first values, and the last.
  private static func decode(_ weight: any PackedWeight) throws {
    let count = min(weight.count, mostValues)
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
      guard let base = values.baseAddress else { return }
      try weight.decode(0..<count, into: base)
      try weight.decode(weight.count - count..<weight.count, into: base)
    }
  }
}
