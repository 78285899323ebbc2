import Diagnostics
import Tensors

/// Makes stored tensors of views of storages, each checked against its storage.
struct TensorViews {
  private let content: TorchContent
  private let file: String
  /// How many bytes tensors that do not lie in one piece may have together, so that a small file
  /// cannot describe huge ones.
  private var budget: Int

  /// - Parameters:
  ///   - budget: the most bytes of tensors that are put together in memory.
  ///   - file: the name for messages.
  init(_ content: TorchContent, budget: Int, file: String) {
    self.content = content
    self.budget = budget
    self.file = file
  }

  /// A tensor of the heap under its name.
  /// - Throws: `Problem` of kind `invalid` where it reaches beyond its storage.
  mutating func tensor(_ name: String, _ place: Int) throws -> StoredTensor {
    let view = content.heap.tensors[place]
    return try locating(.tensor(name)) {
      let storage = try storage(content.heap.storages[view.storage])
      let width = view.type.bitWidth / 8
      try Self.check(view, inside: storage.count / width)
      let region = try region(view, storage, width)
      return StoredTensor(
        name: name, type: view.type, shape: view.shape, region: region, file: file)
    }
  }

  private func storage(_ storage: PickledStorage) throws -> ByteRegion {
    guard let region = content.storages[storage.key] else {
      throw Problem(.invalid, "the file lacks the storage of a tensor", expected: storage.key)
    }
    let width = (storage.type ?? .u8).bitWidth / 8
    guard storage.count <= region.count / width, storage.count * width == region.count else {
      throw Problem(
        .invalid, "a storage has another size than the pickle says",
        expected: "\(storage.count) elements of \(width) bytes", found: "\(region.count) bytes")
    }
    return region
  }

  /// Checks that every element lies inside the storage.
  private static func check(_ view: PickledTensor, inside count: Int) throws {
    let text = "shape \(view.shape), strides \(view.strides), offset \(view.offset)"
    let outside = Problem(
      .invalid, "a tensor reaches beyond its storage", expected: "\(count) elements", found: text)
    guard let elements = TensorShape.elementCount(view.shape), view.offset >= 0,
      view.strides.allSatisfy({ $0 >= 0 })
    else { throw outside }
    guard elements > 0 else { return }
    var last = view.offset
    for (extent, stride) in zip(view.shape, view.strides) {
      let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, carry) = last.addingReportingOverflow(reach)
      if overflow || carry { throw outside }
      last = sum
    }
    guard last < count else { throw outside }
  }

  private mutating func region(_ view: PickledTensor, _ storage: ByteRegion, _ width: Int) throws
    -> ByteRegion
  {
    guard let size = TensorShape.byteCount(view.shape, view.type), size > 0 else {
      return ByteRegion(storage.storage, storage.range.lowerBound..<storage.range.lowerBound)
    }
    let tensor = StridedTensor(offset: view.offset, shape: view.shape, strides: view.strides)
    let region = tensor.region(in: storage, width: width)
    if tensor.isContiguous { return region }
    guard size <= budget else {
      throw Problem(
        .unsupported, "tensors that do not lie in one piece would need more memory than the file",
        expected: "at most \(budget) bytes", found: "\(size) bytes",
        remedy: "save contiguous tensors")
    }
    budget -= size
    return region
  }
}
