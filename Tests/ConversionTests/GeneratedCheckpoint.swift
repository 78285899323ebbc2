import Canonical
import Containers
import GraftTestSupport
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors

@testable import Conversion

/// Writes a model that is only in memory.
enum GeneratedCheckpoint {
  static func write(
    _ model: CanonicalModel, _ layout: Layout, cast: ScalarType?,
    metadata: [(key: String, value: String)]? = nil, to directory: FilePath
  ) throws {
    let tensors = try LayoutBinding(layout, model.configuration).tensors.map { bound in
      let move = try TensorMove(
        bound, from: model, cast: cast.map(RequestedType.everywhere) ?? .keep)
      return TensorToWrite(name: bound.name, type: move.type, shape: bound.shape) {
        _ = try move.write(to: &$0)
      }
    }
    let config = layout.writtenConfig(model.configuration)
    if layout.container == Container.gguf.rawValue {
      let metadata = try GGUFConfig.metadata(config, types: layout.metadataTypes, keeping: [])
      return try GGUFWriter.write(
        tensors, metadata: metadata, to: directory.appending("model.gguf"))
    }
    try SafetensorsWriter.write(
      tensors, metadata: metadata ?? layout.metadata, to: directory.appending("model.safetensors"))
    try OutputFile.write(
      Array(config.text(indent: 4).utf8), to: directory.appending("config.json"))
  }
}
