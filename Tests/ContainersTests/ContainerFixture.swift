import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// A file of `fixtures/containers`, made by torch, numpy or mlx.
struct ContainerFixture {
  let path: FilePath

  init(_ name: String) { path = Fixtures.path("containers/\(name)") }

  /// What must be in it, as safetensors.
  var expected: [StoredTensor] {
    get throws { try SafetensorsFile(FilePath(path.string + ".expected.safetensors")).tensors }
  }

  /// A copy of the file in memory, to be changed.
  var bytes: [UInt8] { get throws { try MappedFile.readAll(path, limit: 1 << 20) } }

  /// Checks types, shapes and every byte of tensors that were read.
  func expectSame(_ tensors: [StoredTensor]) throws {
    let expected = try expected
    #expect(tensors.map(\.name).sorted() == expected.map(\.name).sorted())
    for tensor in expected {
      let found = try #require(tensors.first { $0.name == tensor.name })
      #expect(found.type == tensor.type && found.shape == tensor.shape, "\(tensor.name)")
      #expect(found.contents == tensor.contents, "\(tensor.name)")
      #expect(found.file == path.string)
    }
  }
}

extension OwnedBytes {
  /// A copy of bytes.
  convenience init(copying bytes: [UInt8]) {
    self.init(count: bytes.count)
    mutableBytes.copyBytes(from: bytes)
  }
}
