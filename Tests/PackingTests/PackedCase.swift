import Containers
import Digests
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Packing
import SystemPackage
import Tensors
import Testing

/// Weights of one file as a library packed them, with the hashes of their values.
struct PackedCase: CustomTestStringConvertible, Sendable {
  struct Weight: Sendable {
    let module: String
    let anchor: String
    let shape: [Int]
    let hash: String
  }

  let directory: FilePath
  let name: String
  let method: String
  let claim: JSONValue?
  let weights: [Weight]

  var testDescription: String { name }

  static let methods: [String: any PackingMethod.Type] = [
    "mlx": MLXPacking.self, "compressed-tensors": CompressedTensorsPacking.self,
    "modelopt": ModelOptPacking.self, "gptq": GPTQPacking.self, "awq": AWQPacking.self,
    "bitsandbytes": BitsandbytesPacking.self,
  ]

  /// The cases of the repository and of the directories that `GRAFT_PACKED_CASES` names, with colons
  /// between them.
  static let all: [PackedCase] = {
    let more = ProcessInfo.processInfo.environment["GRAFT_PACKED_CASES"] ?? ""
    let directories =
      [Fixtures.path("packed")] + more.split(separator: ":").map { FilePath(String($0)) }
    return directories.flatMap { (try? cases(of: $0)) ?? [] }
  }()

  static func named(_ name: String) -> PackedCase? { all.first { $0.name == name } }

  private static func cases(of directory: FilePath) throws -> [PackedCase] {
    let text = try Data(contentsOf: URL(fileURLWithPath: directory.appending("cases.json").string))
    return try JSONValue(parsing: Array(text)).array?.compactMap { PackedCase($0, directory) } ?? []
  }

  private init?(_ value: JSONValue, _ directory: FilePath) {
    guard let name = value["name"]?.string, let method = value["method"]?.string,
      let weights = value["weights"]?.array
    else { return nil }
    (self.directory, self.name, self.method) = (directory, name, method)
    claim = value["claim"].flatMap { $0.isNull ? nil : $0 }
    self.weights = weights.compactMap { weight in
      guard let module = weight["module"]?.string, let anchor = weight["anchor"]?.string,
        let shape = weight["shape"]?.array?.compactMap(\.int), let hash = weight["sha256"]?.string
      else { return nil }
      return Weight(module: module, anchor: anchor, shape: shape, hash: hash)
    }
  }

  /// The stored tensors by name.
  func parts() throws -> [String: PackedPart] {
    let file = try SafetensorsFile(directory.appending("\(name).safetensors"))
    return Dictionary(
      uniqueKeysWithValues: file.tensors.map {
        ($0.name, PackedPart(name: $0.name, type: $0.type, shape: $0.shape, region: $0.region))
      })
  }

  /// One of the weights, of these parts or others.
  func open(_ weight: Weight, _ parts: [String: PackedPart]) throws -> (any PackedWeight)? {
    guard let method = try Self.methods[method]?.init(claim: claim) else { return nil }
    return try method.weight(of: weight.module, anchor: weight.anchor) { parts[weight.module + $0] }
  }
}

extension PackedWeight {
  /// The values of a run.
  func values(_ run: Range<Int>? = nil) throws -> [Float] {
    let run = run ?? 0..<count
    return try Array(unsafeUninitializedCapacity: run.count) { buffer, filled in
      if let base = buffer.baseAddress { try decode(run, into: base) }
      filled = run.count
    }
  }

  /// The hash of all values as little-endian bytes.
  func hash() throws -> String {
    try values().withUnsafeBytes { SHA256.text(of: Array($0)) }
  }
}
