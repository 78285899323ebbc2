import Diagnostics
import Tensors

/// The pickle of a state dict, protocol 2 as `torch.save` writes it; storages are numbered from 0.
struct StatePickle {
  /// The pickle.
  private(set) var bytes: [UInt8] = []

  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape, or where a reader
  ///   would refuse the pickle for its size.
  init(_ tensors: [TensorHeader]) throws {
    put(.protocolVersion)
    bytes.append(2)
    put(.emptyDict)
    put(.mark)
    for (index, tensor) in tensors.enumerated() {
      text(tensor.name)
      try add(tensor, storage: index)
    }
    put(.setItems)
    put(.stop)
    guard bytes.count <= PickleMachine.limit else {
      throw Problem(
        .unsupported, "the pickle that describes the tensors would be too large",
        expected: "at most \(PickleMachine.limit) bytes", found: "\(bytes.count) bytes",
        remedy: "use more shards")
    }
  }

  private mutating func add(_ tensor: TensorHeader, storage: Int) throws {
    guard let type = tensor.type.torchType else {
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
    global("torch._utils", isTyped ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3")
    put(.mark)
    add(storage: storage, of: tensor)
    number(0)
    numbers(tensor.shape)
    numbers(strides)
    put(.newFalse)
    global("collections", "OrderedDict")
    put(.emptyTuple)
    put(.reduce)
    if !isTyped { global("torch", type) }
    put(.tuple)
    put(.reduce)
  }

  private mutating func add(storage: Int, of tensor: TensorHeader) {
    put(.mark)
    text("storage")
    if let type = tensor.type.torchStorage {
      global("torch", type)
    } else {
      global("torch.storage", "UntypedStorage")
    }
    text(String(storage))
    text("cpu")
    let width = tensor.type.torchStorage == nil ? 1 : tensor.type.bitWidth / 8
    number(tensor.byteCount / width)
    put(.tuple)
    put(.binPersistentID)
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

  private mutating func put(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

  private mutating func global(_ module: String, _ name: String) {
    put(.global)
    bytes += "\(module)\n\(name)\n".utf8
  }

  private mutating func text(_ text: String) {
    put(.binUnicode)
    withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += text.utf8
  }

  private mutating func number(_ number: Int) {
    if let narrow = Int32(exactly: number) {
      put(.binInt)
      withUnsafeBytes(of: narrow.littleEndian) { bytes.append(contentsOf: $0) }
    } else {
      put(.long1)
      bytes.append(8)
      withUnsafeBytes(of: Int64(number).littleEndian) { bytes.append(contentsOf: $0) }
    }
  }

  private mutating func numbers(_ numbers: [Int]) {
    put(.mark)
    for number in numbers { self.number(number) }
    put(.tuple)
  }
}
