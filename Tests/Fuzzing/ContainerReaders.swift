import Tensors

@testable import Containers

/// Readers of weight files, each with what commands do with what it found.
enum ContainerReaders {
  /// A file whose first eight bytes say how long its header is, or, where the input begins with a
  /// brace, a header alone.
  static func safetensors(_ input: UnsafeRawBufferPointer) throws {
    guard input.first == UInt8(ascii: "{") else {
      return try touch(SafetensorsFile(owned(Array(input)), name: "input").tensors)
    }
    let length = withUnsafeBytes(of: UInt64(input.count).littleEndian) { Array($0) }
    try touch(SafetensorsFile(owned(length + input + [0, 0, 0, 0]), name: "input").tensors)
  }

  static func zip(_ input: UnsafeRawBufferPointer) throws {
    for entry in try ZipArchive(owned(Array(input))).entries {
      _ = try? entry.prefix(NpyHeader.limit)
      guard entry.size <= input.count, let content = try? entry.content() else { continue }
      try content.withBytes { touch($0) }
      try? entry.checkedContent().check?.check()
    }
  }

  static func npz(_ input: UnsafeRawBufferPointer) throws {
    try touch(NpzFile(owned(Array(input)), name: "input").tensors)
  }

  /// The pickles of a file of `torch.save` before version 1.6 behind its magic number.
  static func pickle(_ input: UnsafeRawBufferPointer) throws {
    try touch(TorchFile(owned(legacyStart + input), name: "input").tensors)
  }

  private static let legacyStart: [UInt8] = [
    0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  static func torch(_ input: UnsafeRawBufferPointer) throws {
    try touch(TorchFile(owned(Array(input)), name: "input").tensors)
  }

  static func distributed(_ input: UnsafeRawBufferPointer) throws {
    let state = try DistributedState(DistributedMetadata(input).entries)
    for (_, tensor) in state.tensors {
      guard let cover = try? ChunkCover(tensor.shape, tensor.type, tensor.chunks) else { continue }
      let nothing = ByteRegion(OwnedBytes(count: 0))
      _ = cover.region(of: cover.chunks.map { _ in nothing }, tensor.type)
    }
  }

  /// What the ranks of a Megatron run share, with objects of any class.
  static func common(_ input: UnsafeRawBufferPointer) throws {
    _ = try MegatronState.arguments(TorchContent(owned(Array(input)), dropsForeign: true))?
      .text(indent: 0)
  }

  /// What Megatron-Bridge dumps of the options of a run.
  static func runConfig(_ input: UnsafeRawBufferPointer) throws {
    _ = try MegatronState.model(inDump: Array(input)).text(indent: 0)
  }

  static func gguf(_ input: UnsafeRawBufferPointer) throws {
    let file = try GGUFFile(owned(Array(input)), name: "input")
    for (_, value) in file.metadata { _ = (value.text, value.texts?.count, value.typeName) }
    _ = GGUFConfig.text(file.metadata, file.tensors.map { ($0.name, $0.shape) })
    try touch(file.tensors)
  }

  private static func owned(_ bytes: [UInt8]) -> OwnedBytes {
    let owned = OwnedBytes(count: bytes.count)
    owned.mutableBytes.copyBytes(from: bytes)
    return owned
  }

  /// Reads every byte of every tensor that is not larger than the largest input.
  private static func touch(_ tensors: [StoredTensor]) throws {
    for tensor in tensors where tensor.byteCount <= 1 << 16 {
      try tensor.region.withBytes { touch($0) }
    }
  }

  private static func touch(_ bytes: UnsafeRawBufferPointer) {
    let sum = bytes.reduce(UInt8(0)) { $0 ^ $1 }
    withExtendedLifetime(sum) {}
  }
}
