import GraftTestSupport
import SystemPackage
import Tensors

@testable import Containers

extension MessageSection {
  /// What the writers refuse, which a conversion meets only where a container cannot hold a tensor.
  static let writers = MessageSection(
    "Writing weight files",
    [
      .init("a type that numpy has not") { try $0.write([8], .f8E4M3, .npz) },
      .init("a type that torch has not") { try $0.write([8], .f6E3M2, .torch) },
      .init("a type that GGUF has not") { try $0.write([8], .f8E4M3, .gguf) },
      .init("five extents in GGUF") { try $0.write([1, 1, 1, 1, 8], .f32, .gguf) },
      .init("rows that end inside a block") { try $0.write([2, 16], .q8Zero, .gguf) },
      .init("a name that is too long for GGUF") {
        try $0.write([8], .f32, .gguf, name: String(repeating: "n", count: 70))
      },
      .init("a name that is too long for numpy") {
        try $0.write([8], .f32, .npz, name: String(repeating: "n", count: 65_532))
      },
      .init("65 extents for numpy") {
        try $0.write(Array(repeating: 1, count: 65), .f32, .npz)
      },
      .init("65 extents for torch") {
        try $0.write(Array(repeating: 1, count: 65), .f32, .torch)
      },
      .init("steps that torch cannot count") { try $0.write([0, 1 << 62, 4], .f32, .torch) },
      .init("two tensors of one name") { try $0.write([8], .f32, .safetensors, count: 2) },
      .init("half a byte") { try $0.write([3], .f4, .safetensors) },
      .init("a header that readers would refuse") { shop in
        try shop.thrown {
          try SafetensorsHeader(laying: [("w", .f32, [8])]).bytes(limit: 64)
        }
      },
      .init("tensors of more bytes than can be counted") { shop in
        let tensors = ["a", "b"].map {
          TensorToWrite(name: $0, type: .f32, shape: [1 << 60]) { _ in }
        }
        return try shop.thrown {
          try Container.gguf.write(tensors, metadata: [], to: shop.folder.path.appending("w"))
        }
      },
    ])
}

extension Workshop {
  fileprivate func write(
    _ shape: [Int], _ type: ScalarType, _ container: Container, name: String = "w", count: Int = 1
  ) throws -> Message {
    let tensor = TensorToWrite(name: name, type: type, shape: shape) { _ in }
    return try thrown {
      try container.write(
        Array(repeating: tensor, count: count), metadata: [], to: folder.path.appending("w"))
    }
  }
}
