import Containers
import GraftTestSupport

extension MessageSection {
  /// Files of the older torch.save in which something was changed.
  static let torchFiles = MessageSection(
    "Damaged files of torch",
    [
      .init("a version that is not read") { try $0.older([0xe9, 3, 0x2e], [0xea, 3, 0x2e]) },
      .init("no byte order") { try $0.older("little_endian", "little_endiam") },
      .init("a storage without a tensor") {
        try $0.older(last("94840572286416"), last("94840572286417"))
      },
      .init("a storage that comes twice") {
        try $0.older(last("94840572286416"), last("94840572569632"))
      },
      .init("bytes behind the storages") { try $0.older([], [], behind: [0]) },
      .init("a tensor larger than its storage") {
        try $0.older([0x4b, 17, 0x4b, 43], [0x4b, 32, 0x4b, 43])
      },
      .init("a tensor that repeats a few values without end") {
        try $0.older(
          [0x4b, 3, 0x4b, 4, 0x86, 0x71, 49], [0x4b, 3, 0x4d, 255, 255, 0x86, 0x71, 49])
      },
    ])

  /// A text as the list of storages has it, which is the first to be remembered.
  private static func last(_ text: String) -> [UInt8] { text.utf8 + [0x71, 1] }
}

extension Workshop {
  /// Opens a file in which bytes were replaced where they come first.
  fileprivate func older(_ old: [UInt8], _ new: [UInt8], behind: [UInt8] = []) throws -> Message {
    let bytes = try Fixtures.bytes("containers/torch/legacy-views.pt")
    let changed = old.isEmpty ? bytes : bytes.replacing(old, with: new, maxReplacements: 1)
    let path = try file("model.pt", changed + behind)
    return try thrown { try StoredCheckpoint.open(path) }
  }

  fileprivate func older(_ old: String, _ new: String) throws -> Message {
    try older(Array(old.utf8), Array(new.utf8))
  }
}
