import Diagnostics
import JSON
import Tensors

/// What bitsandbytes says of a weight of 4 bits, as JSON in a tensor beside it.
struct BitsandbytesState {
  /// The ends of names by which the two kinds of codes are told apart.
  static let ends = [
    ".weight.quant_state.bitsandbytes__nf4", ".weight.quant_state.bitsandbytes__fp4",
  ]

  let part: PackedPart
  /// The kind of codes, "nf4" or "fp4".
  let type: String
  let shape: [Int]
  /// The number of values.
  let count: Int
  /// The values that share a scale.
  let block: Int
  /// How scales are packed themselves: the scales that share one, and what is added to them.
  let nested: (block: Int, offset: Float)?

  private static let longest = 1 << 16
  private static let largestBlock = 1 << 20

  /// The state that a tensor holds.
  /// - Throws: `Problem` of kind `invalid` for one that cannot be.
  init(_ part: PackedPart, isFP4: Bool) throws {
    _ = try part.of(.u8)
    guard part.region.count <= Self.longest else {
      throw Self.impossible(part, "at most \(Self.longest) bytes", "\(part.region.count)")
    }
    let value = try locating(.tensor(part.name), advising: PackedPart.remedy) {
      try part.region.withBytes { try JSONValue(parsing: $0) }
    }
    self.part = part
    type = isFP4 ? "fp4" : "nf4"
    if value["quant_type"]?.string != type {
      throw Self.impossible(part, "quant_type \(type)", value["quant_type"]?.string ?? "none")
    }
    let shape = value["shape"]?.array?.compactMap { $0.int.flatMap { $0 > 0 ? $0 : nil } } ?? []
    guard !shape.isEmpty, shape.count == value["shape"]?.array?.count,
      let count = TensorShape.elementCount(shape)
    else {
      throw Self.impossible(part, "the shape of a weight", value["shape"]?.kindName ?? "none")
    }
    (self.shape, self.count) = (shape, count)
    block = try Self.block("blocksize", value, part)
    nested = try value["nested_blocksize"].flatMap { size in
      size.isNull
        ? nil : (try Self.block("nested_blocksize", value, part), try Self.offset(value, part))
    }
  }

  private static func block(_ key: String, _ value: JSONValue, _ part: PackedPart) throws -> Int {
    guard let size = value[key]?.int, 1...largestBlock ~= size else {
      throw impossible(
        part, "\(key) as a positive number",
        value[key]?.int.map { "\($0)" } ?? value[key]?.kindName ?? "none")
    }
    return size
  }

  private static func offset(_ value: JSONValue, _ part: PackedPart) throws -> Float {
    guard let offset = value["nested_offset"]?.number else {
      throw impossible(
        part, "nested_offset as a number", value["nested_offset"]?.kindName ?? "none")
    }
    return Float(offset)
  }

  private static func impossible(_ part: PackedPart, _ expected: String, _ found: String) -> Problem
  {
    Problem(
      .invalid, "the state of a packed weight cannot be", tensor: part.name, expected: expected,
      found: found, remedy: PackedPart.remedy)
  }
}
