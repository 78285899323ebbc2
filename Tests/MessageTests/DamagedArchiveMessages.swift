import GraftTestSupport
import SystemPackage
import Tensors

@testable import Containers

extension MessageSection {
  /// Archives in which something was changed.
  static let damaged = MessageSection(
    "Damaged archives",
    [
      .init("two entries of one name") { try $0.zip([("a", [1]), ("a", [2])]) },
      .init("entries that overlap") {
        try $0.zip([("a", [1]), ("a", [1])]) { bytes in
          // The second record of the directory points at the first entry.
          for index in 0..<4 { bytes[bytes.count - 22 - 47 + 42 + index] = 0 }
        }
      },
      .init("an encrypted entry") { try $0.record(8) { $0 | 1 } },
      .init("a way of compressing that is not read") { try $0.record(10) { _ in 12 } },
      .init("a stored entry of two sizes") { try $0.record(20) { $0 + 1 } },
      .init("another name in the directory") { try $0.record(46) { $0 + 1 } },
      .init("an entry that is not where the directory says") { try $0.record(42) { _ in 1 } },
      .init("a directory record that is none") { try $0.record(0) { $0 + 1 } },
      .init("a directory that is too small") {
        try $0.zip([("a", [1])]) { bytes in
          bytes[bytes.count - 22 + 8] = 9
          bytes[bytes.count - 22 + 10] = 9
        }
      },
      .init("a directory with more than its entries") {
        try $0.zip([("a", [1]), ("b", [1])]) { bytes in
          bytes[bytes.count - 22 + 8] = 1
          bytes[bytes.count - 22 + 10] = 1
        }
      },
      .init("compressed bytes that would become too many") {
        try $0.deflated { bytes, directory in
          for index in 0..<3 { bytes[directory + 24 + index] = 0xff }
          bytes[directory + 27] = 0x7f
        }
      },
      .init("compressed bytes of another size") {
        try $0.deflated { bytes, directory in bytes[directory + 24] &+= 1 }
      },
      .init("compressed bytes that are damaged") {
        try $0.deflated { bytes, directory in bytes[directory + 20] &+= 255 }
      },
      .init("another byte order") { try $0.torch("byteorder", Array("big".utf8)) },
      .init("a storage that is not there") { try $0.torch("data/0", nil) },
      .init("a storage of another size") { try $0.torch("data/0", [1, 2, 3]) },
      .init("an archive without a pickle") { try $0.torch("data.pkl", nil) },
      .init("a name that is not UTF-8") { try $0.record(46) { _ in 0xff } },
      .init("fields that end behind the archive") { try $0.record(30) { _ in 200 } },
      .init("an entry of more bytes than can be counted") {
        try $0.zip([("a", [1])]) { bytes in
          let directory = bytes.count - 22 - 47
          for index in 0..<4 { bytes[directory + 24 + index] = 0xff }
          bytes[directory + 30] = 12
          bytes[bytes.count - 22 + 12] += 12
          let field: [UInt8] = [1, 0, 8, 0] + [UInt8](repeating: 0xff, count: 8)
          bytes.insert(contentsOf: field, at: directory + 47)
        }
      },
      .init("a zip64 end that is none") { try $0.wideEnd(at: 0) },
      .init("a zip64 end outside") { try $0.wideEnd(at: .max) },
      .init("compressed bytes that cannot become so many") {
        try $0.deflated { bytes, directory in
          let name = Array("deflated/data/0".utf8)
          let place = bytes[directory...].firstRange(of: name)?.lowerBound ?? 0
          bytes.replaceSubrange(place - 22..<place - 18, with: [0xff, 0xff, 0xff, 0x7f])
        }
      },
      .init("a pickle that is cut off") {
        try $0.torch("data.pkl", [0x80, 2, 0x58, 9, 0, 0, 0, 0x61])
      },
    ])
}

extension Workshop {
  private func archive(_ entries: [(String, [UInt8])]) throws -> [UInt8] {
    let path = folder.path.appending("made.zip")
    var zip = ZipPlan()
    for (name, bytes) in entries { zip.add(name, bytes) }
    try WeightFileWriter(creating: path, zip.plan).finish()
    return try Fixtures.contents(path)
  }

  private func read(_ bytes: [UInt8], _ name: String) throws -> Message {
    let path = try file(name, bytes)
    return try thrown { try StoredCheckpoint.open(path).checkPayload() }
  }

  fileprivate func zip(
    _ entries: [(String, [UInt8])], _ change: (inout [UInt8]) -> Void = { _ in }
  ) throws -> Message {
    var bytes = try archive(entries)
    change(&bytes)
    return try read(bytes, "model.npz")
  }

  /// Changes a byte of the directory's only record.
  fileprivate func record(_ place: Int, _ change: (UInt8) -> UInt8) throws -> Message {
    try zip([("a", [1])]) { bytes in
      let directory = bytes.count - 22 - 47
      bytes[directory + place] = change(bytes[directory + place])
    }
  }

  fileprivate func deflated(_ change: (inout [UInt8], _ directory: Int) -> Void) throws -> Message {
    var bytes = try Fixtures.bytes("containers/torch/deflated.pt")
    let end = bytes.count - 22
    change(&bytes, Int(bytes[end + 16]) | Int(bytes[end + 17]) << 8)
    return try read(bytes, "model.pt")
  }

  /// Replaces or removes an entry of a file of torch.
  fileprivate func torch(_ entry: String, _ content: [UInt8]?) throws -> Message {
    let original = try ZipArchive(MappedFile(Fixtures.path("containers/torch/views.pt")))
    let entries = try original.entries.compactMap { one -> (String, [UInt8])? in
      guard one.name.hasSuffix("/" + entry) else {
        return (one.name, try one.bytes(limit: 1 << 20))
      }
      return content.map { (one.name, $0) }
    }
    let path = try file("model.pt", archive(entries))
    return try thrown { try StoredCheckpoint.open(path) }
  }

  /// An archive in front of whose end a locator of a wide end stands.
  fileprivate func wideEnd(at place: UInt64) throws -> Message {
    try zip([("a", [1])]) { bytes in
      let locator = [0x50, 0x4b, 6, 7, 0, 0, 0, 0] + GGUFLiteral.number(place) + [1, 0, 0, 0]
      bytes.insert(contentsOf: locator, at: bytes.count - 22)
    }
  }
}
