import Containers
import Foundation
import GraftTestSupport
import Tensors

extension MessageSection {
  /// Directories of torch.distributed.checkpoint in which something was changed.
  static let distributed = MessageSection(
    "Distributed checkpoints",
    [
      .init("a piece smaller than its place") { try $0.mesh((pair(4, 6), pair(3, 6))) },
      .init("a tensor smaller than its pieces") { try $0.mesh((pair(7, 6), pair(6, 6))) },
      .init("a piece that is stored nowhere") { try $0.mesh((pair(4, 0), pair(5, 0))) },
      .init("a piece of another type") {
        try $0.mesh((Array("float32".utf8), Array("float16".utf8)))
      },
      .init("a place where another value is stored") {
        try $0.mesh(
          (Array("__0_0".utf8), Array("__1_0".utf8)), (number(1641), number(1261)))
      },
      .init("pieces that were transformed") {
        let path = text("relative_path")
        return try $0.mesh((path, text("transform_descriptors") + [0x5d] + path))
      },
      .init("pieces that share bytes") {
        // From offset 1577, 1641 bytes, to the whole file.
        let between: [UInt8] = [0x6a, 0x4d, 1, 0, 0]
        return try $0.mesh(
          (number(1577) + between + number(1641), number(0) + between + number(8013)))
      },
      .init("two models") { try $0.mesh((text("optimizer"), text("state"))) },
      .init("a tensor with the name of a state") { shop in
        let names = ["embedding.word_embeddings.weight", "decoder.out_norm.weight"]
        let tensors = (names + ["decoder.out_norm._extra_state/shard_0_1"]).map {
          TensorHeader(name: $0, type: .f32, shape: [1])
        }
        return try shop.thrown {
          try DistributedWriter.metadataOfMegatron([.init(name: "__0_0.distcp", tensors: tensors)])
        }
      },
      .init("something else than metadata") { try $0.metadata([0x4e, 0x2e]) },
    ])

  /// Two small numbers as a tuple of a pickle.
  private static func pair(_ first: UInt8, _ second: UInt8) -> [UInt8] {
    [0x4b, first, 0x4b, second, 0x86]
  }

  /// A number of two bytes in a pickle.
  private static func number(_ number: UInt16) -> [UInt8] { [0x4d] + GGUFLiteral.number(number) }

  /// A short text in a pickle.
  private static func text(_ text: String) -> [UInt8] {
    [0x8c, UInt8(text.utf8.count)] + text.utf8
  }
}

extension Workshop {
  /// Opens a directory in whose metadata bytes were replaced where they come first.
  fileprivate func mesh(_ changes: (old: [UInt8], new: [UInt8])...) throws -> Message {
    let bytes = try Fixtures.bytes("containers/dcp/mesh/.metadata")
    return try metadata(
      changes.reduce(bytes) { $0.replacing($1.old, with: $1.new, maxReplacements: 1) })
  }

  fileprivate func metadata(_ bytes: [UInt8]) throws -> Message {
    let path = try model("containers/dcp/mesh") { try $0.write(".metadata", bytes) }
    return try thrown { try StoredCheckpoint.open(path) }
  }
}
