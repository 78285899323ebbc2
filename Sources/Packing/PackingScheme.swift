/// How the values of a weight are packed, as its tools call it.
public struct PackingScheme: Hashable, Sendable {
  /// The method, such as "MLX affine" or "GPTQ".
  public let method: String
  /// The bits of a code.
  public let bits: Int
  /// The values along K that share a scale; nil where a whole row, a block of rows or a whole tensor does.
  public let group: Int?

  /// A scheme.
  public init(method: String, bits: Int, group: Int?) {
    self.method = method
    self.bits = bits
    self.group = group
  }

  /// The scheme in words, such as "GPTQ, 4 bits in groups of 128".
  public var text: String {
    "\(method), \(bits) bits" + (group.map { " in groups of \($0)" } ?? "")
  }
}
