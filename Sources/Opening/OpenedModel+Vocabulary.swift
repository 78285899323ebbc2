import Canonical
import Containers
import Diagnostics
import Layouts
import Tensors

extension OpenedModel {
  /// The model with another number of tokens, all of whose rows are still to be filled.
  /// - Throws: `Problem` of kind `unsupported` for files that list their tokens themselves.
  package func counting(tokens: Int, catalogue: LayoutCatalogue) throws -> OpenedModel {
    guard layout.container == nil, packing == nil, quantisation == nil else {
      throw Problem(
        .unsupported, "an adapter brings another vocabulary than the base has",
        file: checkpoint.weightsPath.string, expected: "\(configuration.vocabulary) tokens",
        found: "\(tokens)",
        remedy: "merge it into the plain checkpoint with a tokenizer beside it, and convert that")
    }
    let holders = binding.tensors.filter { bound in
      bound.parts.count == 1 && bound.parts.allSatisfy { RoleTable.hasRowPerToken($0.role.name) }
    }
    let names = Set(holders.map(\.name))
    var stated = configuration
    stated.vocabulary = tokens
    let config = layout.updatedConfig(
      checkpoint.config ?? .null, from: statedConfiguration, to: stated)
    let changed = try checkpoint.replacing { tensor in
      names.contains(tensor.name) ? tensor.empty(rows: tokens) : tensor
    }.withConfig { _ in config }
    var copy = try OpenedModel(
      changed, from: layout.id, assuming: assumptions, allowing: Set(extra.map(\.kind)),
      catalogue: catalogue)
    copy.adapters = adapters
    copy.unchanged = unchanged ?? stored
    return copy
  }
}

extension StoredTensor {
  /// A tensor of zeros with another number of rows.
  fileprivate func empty(rows: Int) -> StoredTensor {
    let shape = [rows] + shape.dropFirst()
    let count = TensorShape.byteCount(shape, type) ?? 0
    let zeros = DeferredBytes(count: count) { _, place in
      _ = place.initializeMemory(as: UInt8.self, repeating: 0)
    }
    return StoredTensor(
      name: name, type: type, shape: shape, region: ByteRegion(zeros), file: file)
  }
}
