import Diagnostics
import Tensors

/// The pickle of a state dict, protocol 2 as `torch.save` writes it; storages are numbered from 0.
struct StatePickle {
  /// The pickle.
  let bytes: [UInt8]

  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape, or where a reader
  ///   would refuse the pickle for its size.
  init(_ tensors: [TensorHeader]) throws {
    var writer = PickleWriter(remembers: false)
    try writer.dictionary(tensors.enumerated()) { writer, item in
      writer.add(.text(item.element.name))
      writer.add(try PickleTree(item.element, storage: item.offset))
    }
    bytes = try writer.finished()
  }
}

extension PickleTree {
  /// A tensor whose bytes are all of a storage.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape.
  init(_ tensor: TensorHeader, storage: Int) throws {
    guard tensor.type.torchType != nil else {
      throw Problem(
        .unsupported, "torch has no type for the elements", tensor: tensor.name,
        found: tensor.type.rawValue)
    }
    let strides = Self.strides(tensor.shape)
    guard let strides, tensor.shape.count <= PickleMachine.mostExtents else {
      throw Problem(
        .unsupported, "torch has no tensors of such a shape", tensor: tensor.name,
        expected: "at most \(PickleMachine.mostExtents) extents, steps that fit 63 bits",
        found: TensorShape.shortText(tensor.shape))
    }
    let isTyped = tensor.type.torchStorage != nil
    self = .call(
      .known(isTyped ? .rebuildTensorV2 : .rebuildTensorV3),
      [
        .persistent(Self.storage(storage, of: tensor)), .int(0),
        .tuple(tensor.shape.map { .int($0) }), .tuple(strides.map { .int($0) }), .bool(false),
        .call(.known(.orderedDict), []),
      ] + (isTyped ? [] : [.global(.type(tensor.type))]))
  }

  private static func storage(_ storage: Int, of tensor: TensorHeader) -> PickleTree {
    let type = tensor.type.torchStorage == nil ? nil : tensor.type
    let width = type.map { $0.bitWidth / 8 } ?? 1
    return .tuple([
      .text("storage"), .global(.storage(type)), .text(String(storage)), .text("cpu"),
      .int(tensor.byteCount / width),
    ])
  }

  /// Row-major steps; nil where one does not fit an `Int`, as a tensor without elements may have it.
  private static func strides(_ shape: [Int]) -> [Int]? {
    var strides: [Int] = []
    var stride = 1
    for extent in shape.reversed() {
      strides.append(stride)
      let (product, overflow) = stride.multipliedReportingOverflow(by: max(extent, 1))
      if overflow, strides.count < shape.count { return nil }
      stride = product
    }
    return strides.reversed()
  }
}
