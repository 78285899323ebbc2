import Containers
import Foundation
import JSON
import Layouts
import SystemPackage
import Tensors

/// A checkpoint of a layout with seeded random values.
struct RandomCheckpoint {
  let layout: String
  let config: String

  /// Writes config and weights, BF16 unless the layout says otherwise.
  func write(to directory: String) throws {
    let text = try Data(contentsOf: URL(fileURLWithPath: config))
    let layout = try LayoutCatalogue.builtIn().layout(layout)
    let model = try layout.configuration(from: JSONValue(parsing: Array(text)))
    let tensors = try LayoutBinding(layout, model).tensors.map(Self.tensor)
    let folder = URL(fileURLWithPath: directory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try text.write(to: folder.appendingPathComponent("config.json"))
    try SafetensorsWriter.write(
      tensors, to: FilePath(directory).appending("model.safetensors"))
  }

  private static func tensor(_ bound: BoundTensor) -> TensorToWrite {
    let type: ScalarType = if case .always(let type) = bound.storedType { type } else { .bf16 }
    let count = bound.shape.reduce(1, *)
    let scale = bound.shape.count > 1 ? Float(bound.shape.last ?? 1).squareRoot() : 1
    return TensorToWrite(name: bound.name, type: type, shape: bound.shape) { sink in
      var bits = SplitMix64(
        seed: UInt64(truncatingIfNeeded: bound.name.utf8.reduce(5381) { $0 &* 33 &+ Int($1) }))
      for start in stride(from: 0, to: count, by: 4096) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4096 * 4)
        for _ in start..<min(start + 4096, count) {
          let value = (Float(Int32(truncatingIfNeeded: bits.next())) * 0x1p-31) / scale
          append(value, type, &bytes)
        }
        try sink.write(bytes)
      }
    }
  }

  private static func append(_ value: Float, _ type: ScalarType, _ bytes: inout [UInt8]) {
    if type == .f32 {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    } else {
      let bits = FloatBits.bf16(value)
      withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }
}
