import GraftTestSupport
import Tensors

@testable import Containers

extension GGUFLiteral {
  static func value(_ key: String, _ type: GGUFValueType, _ bytes: [UInt8]) -> [UInt8] {
    value(key, type.rawValue, bytes)
  }

  func read() throws -> GGUFFile {
    let storage = OwnedBytes(count: bytes.count)
    storage.mutableBytes.copyBytes(from: bytes)
    return try GGUFFile(storage, name: "literal")
  }
}
