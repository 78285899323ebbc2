import Containers
import Conversion
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage
import Tensors
import Testing

/// Faults of blocks of GGUF: the part `blocks` of `quantised` in `fixtures/faults.json`.
enum BlockFaults {
  /// What is done wrong with the blocks of a weight.
  enum Kind: String, Sendable {
    case scaleAndMinimum, nibbles, pairs, superScales, innerScales, fifthBits, headsGrouped,
      zeroRows
  }

  /// One way to get blocks wrong.
  struct Fault: Sendable {
    let kind: Kind
    let id: String
    let what: String
    /// The types in which it can be.
    let types: [ScalarType]

    init?(_ line: JSONValue) {
      guard let kind = line["do"]?.string.flatMap(Kind.init) else { return nil }
      self.kind = kind
      id = line["id"]?.string ?? ""
      what = line["what"]?.string ?? ""
      types = (line["types"]?.array ?? []).compactMap(\.string).compactMap(ScalarType.init)
    }
  }

  /// All faults.
  static let all = (FaultCatalogue.file["quantised"]?["blocks"]?.array ?? []).compactMap(Fault.init)
  /// The weight that is spoilt: the gates of value heads, of which two go with each key head.
  private static let name = "blk.\(QuantisedFaults.layer).attn_gate.weight"

  /// Quantises a model of random weights, spoils one of them, and asks the gate.
  static func findings(_ type: ScalarType, _ kind: Kind?) throws -> QuantisedFaults.Findings {
    let folder = try TemporaryDirectory()
    let source = try wide()
    let (plain, packed) = (folder.path.appending("plain"), folder.path.appending("packed"))
    var options = ConversionOptions()
    try write(source, options, to: plain)
    options.quantisation = .q4KM
    options.rules = [TypeRule(name, .type(type))]
    try write(source, options, to: packed)
    if let kind { try spoil(packed, kind, type) }
    return try QuantisedFaults.Findings(packed, of: plain)
  }

  private static func write(
    _ source: EditableCheckpoint, _ options: ConversionOptions, to path: FilePath
  ) throws {
    let model = try OpenedModel(source.path, catalogue: .builtIn())
    var writing = try WriteOptions(catalogue: .builtIn(), version: "0")
    writing.keepsRecord = false
    _ = try CheckpointPlan(
      converting: model, to: model.target("gguf-qwen35", in: .builtIn()), options: options
    ).write(to: path, writing)
  }

  /// The fixture with rows that blocks of 256 fill, and random values in them, of many sizes.
  private static func wide() throws -> EditableCheckpoint {
    let checkpoint = try EditableCheckpoint(QuantisedFaults.fixture)
    try checkpoint.editConfig {
      $0["hidden_size"] = 256
      $0["intermediate_size"] = 256
    }
    var random = SplitMix64(seed: 11)
    try checkpoint.editWeights { file in
      for tensor in file.tensors where tensor.shape.contains(96) || tensor.shape.contains(192) {
        let shape = tensor.shape.map { $0 == 96 || $0 == 192 ? 256 : $0 }
        let columns = shape[shape.count - 1]
        let values = (0..<shape.reduce(1, *) / columns).flatMap { _ in
          let size = Float(shape.count > 1 ? exp2(random.uniform() * 2 - 1) * 1.7 / 16 : 0.1)
          return (0..<columns).map { _ in size * Float(random.uniform() * 2 - 1) }
        }
        file[tensor.name] = .init(tensor.name, shape, values)
      }
    }
    return checkpoint
  }

  // MARK: Planting

  private static func spoil(_ folder: FilePath, _ kind: Kind, _ type: ScalarType) throws {
    let files = EditableCheckpoint.names(in: folder).filter { $0.hasSuffix(".gguf") }
    let path = folder.appending(try #require(files.first))
    let tensors = try GGUFFile(path).tensors
    guard let tensor = tensors.first(where: { $0.name == name }), tensor.type == type else {
      return
    }
    var bytes = try Fixtures.contents(path)
    let range = tensor.region.range
    bytes.replaceSubrange(range, with: spoilt(Array(bytes[range]), kind, type))
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  private static func spoilt(_ bytes: [UInt8], _ kind: Kind, _ type: ScalarType) -> [UInt8] {
    let size = type.unit.bytes
    var blocks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<$0 + size]) }
    let parts = Parts(type)
    switch kind {
    case .scaleAndMinimum:
      for index in blocks.indices {
        blocks[index].replaceSubrange(0..<4, with: blocks[index][2..<4] + blocks[index][0..<2])
      }
    case .nibbles:
      for index in blocks.indices {
        for place in parts.codes { blocks[index][place] = blocks[index][place].halvesExchanged }
      }
    case .pairs:
      for index in blocks.indices { blocks[index].joinNeighbours(in: parts.codes) }
    case .superScales:
      let scales = blocks.map { $0[parts.scale] }
      for index in blocks.indices {
        blocks[index].replaceSubrange(parts.scale, with: scales[(index + 1) % scales.count])
      }
    case .innerScales:
      for index in blocks.indices { blocks[index].turn(parts.innerScales) }
    case .fifthBits:
      for index in blocks.indices {
        let half = parts.fifths.count / 2
        let place = parts.fifths
        blocks[index].replaceSubrange(
          place, with: blocks[index][place].dropFirst(half) + blocks[index][place].prefix(half))
      }
    case .headsGrouped:
      // Four heads: 0 2 1 3 where 0 1 2 3 belong.
      let head = blocks.count / 4
      let (second, third) = (blocks[head..<2 * head], blocks[2 * head..<3 * head])
      blocks.replaceSubrange(head..<3 * head, with: third + second)
    case .zeroRows:
      let row = 256 / type.unit.elements
      for index in blocks.indices.suffix(4 * row) {
        for place in parts.scale { blocks[index][place] = 0 }
      }
    }
    return blocks.flatMap { $0 }
  }

  /// Where the parts of a block lie.
  private struct Parts {
    /// The scales of the whole block, and its minima.
    let scale: Range<Int>
    let innerScales: Range<Int>
    let fifths: Range<Int>
    /// Codes of four bits.
    let codes: Range<Int>

    init(_ type: ScalarType) {
      let size = type.unit.bytes
      let (scale, inner, fifths, codes): (Range<Int>, Range<Int>, Range<Int>, Int) =
        switch type {
        case .q4One: (0..<4, 0..<0, 0..<0, 4)
        case .q5Zero: (0..<2, 0..<0, 2..<6, 6)
        case .q5One: (0..<4, 0..<0, 4..<8, 8)
        case .q4K: (0..<4, 4..<16, 0..<0, 16)
        case .q5K: (0..<4, 4..<16, 16..<48, 48)
        case .q6K: (208..<210, 192..<208, 0..<0, size)
        case .mxfp4: (0..<1, 0..<0, 0..<0, 1)
        case .q8Zero: (0..<2, 0..<0, 0..<0, size)
        default: (0..<2, 0..<0, 0..<0, 2)
        }
      (self.scale, innerScales, self.fifths) = (scale, inner, fifths)
      self.codes = codes..<size
    }
  }
}

extension UInt8 {
  fileprivate var halvesExchanged: UInt8 { self << 4 | self >> 4 }
}

extension [UInt8] {
  /// Codes of halves of a block, first in low then in high halves of bytes, as pairs of neighbours.
  fileprivate mutating func joinNeighbours(in place: Range<Int>) {
    let bytes = Array(self[place])
    let codes = bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }
    for index in bytes.indices {
      self[place.lowerBound + index] = codes[2 * index] | codes[2 * index + 1] << 4
    }
  }

  /// Moves some bytes one place further, the last to the first.
  fileprivate mutating func turn(_ place: Range<Int>) {
    replaceSubrange(place, with: self[place].suffix(1) + self[place].dropLast())
  }
}
