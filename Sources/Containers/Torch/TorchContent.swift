import Diagnostics
import Tensors

/// The value of a file of `torch.save` and the bytes it refers to.
struct TorchContent {
  /// The value.
  let value: PickleValue
  /// What it refers to.
  let heap: PickleHeap
  /// The bytes of the storages, by key.
  let storages: [String: ByteRegion]
  /// The checksums, which are taken as the bytes are read.
  let checksums: [Checksum]

  /// Tells the two forms apart.
  /// - Parameter dropsForeign: whether objects of unknown classes are dropped and not refused, for what
  ///   is read beside weights.
  init(_ file: any ByteStorage, dropsForeign: Bool = false) throws {
    if ZipArchive.isArchive(try file.bytes) {
      try self.init(archive: ZipArchive(file), dropsForeign)
    } else {
      try self.init(sequence: file)
    }
  }

  private init(archive: ZipArchive, _ dropsForeign: Bool) throws {
    let suffix = "/data.pkl"
    let pickles = archive.entries.filter { $0.name.hasSuffix(suffix) }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw Problem(
        .invalid, "not an archive of torch.save", expected: "one entry NAME\(suffix)",
        found: "\(pickles.count) of them in \(archive.entries.count) entries")
    }
    let folder = pickle.name.dropLast(suffix.utf8.count)
    guard archive.entry("\(folder)/constants.pkl") == nil else {
      throw Problem(
        .unsupported, "a TorchScript archive is a program, not a state dict", found: pickle.name)
    }
    try Self.checkOrder(archive.entry("\(folder)/byteorder"))
    let bytes = try pickle.bytes(limit: PickleMachine.limit)
    (value, heap) = try bytes.withUnsafeBytes { bytes in
      var machine = PickleMachine(ByteReader(bytes), dropsForeign: dropsForeign)
      return (try machine.run(), machine.heap)
    }
    let prefix = "\(folder)/data/"
    let entries = archive.entries.filter { $0.name.utf8.starts(with: prefix.utf8) }
    let contents = try entries.map { try $0.checkedContent() }
    storages = Dictionary(
      uniqueKeysWithValues: zip(entries, contents).map { entry, found in
        (String(entry.name.utf8.dropFirst(prefix.utf8.count)) ?? entry.name, found.content)
      })
    checksums = contents.compactMap(\.check)
  }

  private static func checkOrder(_ entry: ZipEntry?) throws {
    guard let entry else { return }
    let order = String(decoding: try entry.bytes(limit: 16), as: UTF8.self)
    guard order == "little" else { throw bigEndian(order) }
  }

  private static func bigEndian(_ found: String) -> Problem {
    Problem(
      .unsupported, "numbers of a machine with another byte order", expected: "little",
      found: found)
  }
}

extension TorchContent {
  private static let version = 1001

  private init(sequence file: any ByteStorage) throws {
    var machine = PickleMachine(ByteReader(try file.bytes))
    try Self.checkMagic(&machine)
    guard let version = try machine.run().int, version == Self.version else {
      throw Problem(
        .unsupported, "a file of another version of torch.save", expected: "version \(Self.version)"
      )
    }
    let system = try machine.run()
    guard case .bool(let isLittle)? = machine.heap.member("little_endian", of: system) else {
      throw Problem(.invalid, "the file does not say the byte order of its numbers")
    }
    guard isLittle else { throw Self.bigEndian("big") }
    let value = try machine.run()
    let list = try machine.run()
    let keys = (machine.heap.elements(list) ?? []).map(\.text)
    self.value = value
    heap = machine.heap
    storages = try Self.storages(keys, heap, machine.reader, file)
    checksums = []
  }

  /// The number 0x1950a86a20f9469cfc6c, which the first pickle of the sequence holds, and its end.
  private static let magic: [UInt8] = [
    0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  private static func checkMagic(_ machine: inout PickleMachine) throws {
    let start = machine.reader.bytes.prefix(magic.count + 11)
    guard start.indices.contains(where: { start[$0...].starts(with: magic) }) else {
      throw Problem(
        .invalid, "not a file of torch.save",
        expected: "a zip archive or the magic number of torch",
        found: start.isEmpty ? "an empty file" : "other bytes")
    }
    _ = try machine.run()
  }

  /// The bytes of the storages, one after the other, each behind its number of elements.
  private static func storages(
    _ keys: [String?], _ heap: PickleHeap, _ start: ByteReader, _ file: any ByteStorage
  ) throws -> [String: ByteRegion] {
    let types = Dictionary(
      heap.storages.map { ($0.key, $0.type) }, uniquingKeysWith: { first, _ in first })
    var reader = start
    var regions: [String: ByteRegion] = [:]
    for key in keys {
      guard let key, let type = types[key] else {
        throw Problem(.invalid, "the file holds a storage that no tensor refers to", found: key)
      }
      let count = try reader.next(UInt64.self)
      let width = UInt64((type ?? .u8).bitWidth / 8)
      let (size, overflow) = count.multipliedReportingOverflow(by: width)
      let range = try reader.take(overflow ? .max : size)
      guard regions.updateValue(ByteRegion(file, range), forKey: key) == nil else {
        throw Problem(.invalid, "the file holds a storage twice", found: key)
      }
    }
    guard reader.isAtEnd else {
      throw Problem(.invalid, "the file goes on behind its last storage")
    }
    return regions
  }
}
