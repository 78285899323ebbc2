import Diagnostics
import JSON

/// What a config says of weights that compressed-tensors packed: the forms among which each weight has one.
///
/// The config assigns forms to modules by targets, some of which are regular expressions. The stored parts
/// of a module show its form as well, and reliably, so that targets are not read.
struct CompressedTensorsClaim: Sendable {
  let forms: [CompressedTensorsForm]
  /// The names of modules that stay plain; expressions are not among them.
  let ignored: Set<String>

  private static let formats: Set<String> = [
    "dense", "pack-quantized", "int-quantized", "float-quantized", "naive-quantized",
    "nvfp4-pack-quantized", "mxfp4-pack-quantized", "mxfp8-quantized", "mixed-precision",
  ]

  init(_ claim: JSONValue) throws {
    guard let object = claim.object else {
      throw PackingClaim.impossible("an object", claim.kindName)
    }
    try Self.refuseUnknown(object)
    let groups = object["config_groups"]?.object?.entries ?? []
    forms = try groups.flatMap { name, group in try Self.forms(group, "config_groups.\(name)") }
    ignored = Set(object["ignore"]?.array?.compactMap(\.string) ?? [])
  }

  private static func refuseUnknown(_ claim: JSONObject) throws {
    let groups = claim["config_groups"]?.object?.entries.map(\.value) ?? []
    let formats = ([claim["format"]] + groups.map { $0["format"] }).compactMap { $0?.string }
    if let format = formats.first(where: { !Self.formats.contains($0) }) {
      throw unsupported("format \(format)")
    }
    if let sparsity = claim["sparsity_config"]?["format"]?.string, sparsity != "dense" {
      throw unsupported("sparsity \(sparsity)")
    }
    if let transform = claim["transform_config"]?.object, !transform.isEmpty {
      throw unsupported("transform_config")
    }
  }

  /// The forms that a group allows; integers may be packed or not.
  private static func forms(_ group: JSONValue, _ place: String) throws -> [CompressedTensorsForm] {
    guard let weights = group["weights"], !weights.isNull else { return [] }
    let bits = try PackingClaim.number("num_bits", weights) ?? 8
    let isSymmetric = weights["symmetric"]?.bool ?? true
    let sharing = try sharing(weights, place)
    let storages: [CompressedTensorsForm.Storage]
    switch (weights["type"]?.string?.lowercased() ?? "int", bits) {
    case ("int", 1...8): storages = [.packed, .integers]
    case ("float", 8): storages = [.float8, .mxfp8]
    case ("float", 4): storages = sharing == .group(32) ? [.mxfp4] : [.nvfp4]
    case (let type, _): throw unsupported("type \(type) of \(bits) bits in \(place)")
    }
    return storages.map {
      CompressedTensorsForm(storage: $0, bits: bits, sharing: sharing, isSymmetric: isSymmetric)
    }
  }

  private static func sharing(_ weights: JSONValue, _ place: String) throws -> ScaleSharing {
    let group = try PackingClaim.number("group_size", weights)
    switch weights["strategy"]?.string?.lowercased() {
    case "tensor": return .tensor
    case "channel": return .channel
    case "group", "tensor_group": return .group(try positive(group, "group_size", place))
    case "block": return .block(try block(weights["block_structure"], place))
    case nil:
      return try group.map { $0 == -1 ? .channel : .group(try positive($0, "group_size", place)) }
        ?? .tensor
    case let other?: throw unsupported("strategy \(other) in \(place)")
    }
  }

  private static func block(_ value: JSONValue?, _ place: String) throws
    -> ScaleSharing.BlockExtent
  {
    let numbers =
      value?.array?.map(\.int) ?? value?.string?.split(separator: "x").map { Int($0) } ?? []
    guard numbers.count == 2 else {
      throw PackingClaim.impossible("block_structure as two numbers", value?.kindName ?? "none")
    }
    return .init(
      rows: try positive(numbers[0], "block_structure", place),
      columns: try positive(numbers[1], "block_structure", place))
  }

  private static let largest = 1 << 30

  private static func positive(_ number: Int?, _ key: String, _ place: String) throws -> Int {
    guard let number, 1...largest ~= number else {
      throw PackingClaim.impossible(
        "\(key) of \(place) as a positive number", number.map { "\($0)" } ?? "none")
    }
    return number
  }

  private static func unsupported(_ option: String) -> Problem {
    PackingClaim.unsupported("compressed-tensors", option)
  }
}
