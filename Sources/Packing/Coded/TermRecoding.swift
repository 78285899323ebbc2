import Tensors

/// The change of the scales and offsets of a row.
struct TermRecoding: Sendable {
  private let from: CodedForm
  private let to: CodedForm
  private let groups: (from: Int, to: Int)
  private let columns: Int

  init(from: CodedForm, to: CodedForm, columns: Int) throws {
    (self.from, self.to, self.columns) = (from, to, columns)
    groups = (from.groups(of: columns), to.groups(of: columns))
    switch (from.scales, to.scales) {
    case (.float, .float), (.exponent, .exponent), (.float8, .float8): break
    default: throw RecodingObstacle(to.text, from.text)
    }
    guard
      from.group == to.group || Self.divides(from, to, columns) || Self.divides(to, from, columns)
    else {
      throw RecodingObstacle("groups of \(to.group)", "groups of \(from.group)")
    }
  }

  /// Whether groups of one form are whole groups of another.
  private static func divides(_ small: CodedForm, _ large: CodedForm, _ columns: Int) -> Bool {
    small.index == nil && columns % small.group == 0
      && (large.group >= columns || large.group % small.group == 0)
  }

  func apply(
    _ scales: UnsafeMutablePointer<Float>, _ offsets: UnsafeMutablePointer<Float>,
    to newScales: UnsafeMutablePointer<Float>, _ newOffsets: UnsafeMutablePointer<Float>,
    isZero: (_ group: Int) throws -> Bool
  ) throws {
    for group in 0..<groups.from {
      do {
        (scales[group], offsets[group]) = try pair(scales[group], offsets[group])
      } catch let obstacle as RecodingObstacle {
        // A scale that no code is multiplied with may be any.
        guard case .biases = from.offset, try isZero(group) else { throw obstacle }
        (scales[group], offsets[group]) = try pair(0, offsets[group])
      }
    }
    if groups.from <= groups.to {
      for group in 0..<groups.to {
        let source = from.group == to.group ? group : group * to.group / from.group
        (newScales[group], newOffsets[group]) = (scales[source], offsets[source])
      }
    } else {
      try merge(scales, offsets, to: newScales, newOffsets)
    }
  }

  private func merge(
    _ scales: UnsafeMutablePointer<Float>, _ offsets: UnsafeMutablePointer<Float>,
    to newScales: UnsafeMutablePointer<Float>, _ newOffsets: UnsafeMutablePointer<Float>
  ) throws {
    for group in 0..<groups.to {
      let first = group * to.group / from.group
      let last = min(groups.from, ((group + 1) * to.group + from.group - 1) / from.group)
      for source in first..<last
      where scales[source] != scales[first] || offsets[source] != offsets[first] {
        throw RecodingObstacle(
          "one scale for \(to.group) values", "groups of \(from.group) with scales of their own")
      }
      (newScales[group], newOffsets[group]) = (scales[first], offsets[first])
    }
  }

  /// The scale and the offset of a group.
  private func pair(_ scale: Float, _ offset: Float) throws -> (Float, Float) {
    guard case .float(let type) = to.scales else { return (scale, 0) }
    guard type.holds(scale) else {
      throw RecodingObstacle("scales that \(type.rawValue) holds", "scales that it does not hold")
    }
    return (scale, try self.offset(offset, scale))
  }

  private func offset(_ offset: Float, _ scale: Float) throws -> Float {
    switch (from.offset, to.offset) {
    case (.none, .none): return 0
    case (.biases, .biases(let type)):
      guard type.holds(offset) else {
        throw RecodingObstacle("biases that \(type.rawValue) holds", "biases that it does not hold")
      }
      return offset
    case (.biases, .zero), (.biases, .zeros):
      return try checked(zero: zero(bias: offset, scale))
    case (.zero, .biases(let type)), (.zeros, .biases(let type)):
      return try bias(zero: offset, scale, type)
    case (.zero, .zero), (.zero, .zeros), (.zeros, .zero), (.zeros, .zeros):
      return try checked(zero: offset)
    default: throw RecodingObstacle(to.text, from.text)
    }
  }

  private func checked(zero: Float) throws -> Float {
    if case .zero(let code) = to.offset, zero != Float(code) {
      throw RecodingObstacle("code \(code) for zero in every group", "other codes for zero")
    }
    guard zero >= 0, zero == zero.rounded(), zero < Float(1 << from.bits) else {
      throw RecodingObstacle(
        "a code that stands for zero in every group", "zero between or beyond codes")
    }
    return zero
  }

  /// The bias that stands for a zero point: of the opposite sign, and scaled.
  private func bias(zero: Float, _ scale: Float, _ type: ScalarType) throws -> Float {
    try checkProducts(scale)
    let bias = zero == 0 ? 0 : -zero * scale
    guard Double(bias) == -Double(zero) * Double(scale), type.holds(bias) else {
      throw RecodingObstacle(
        "zero points times scales that \(type.rawValue) holds", "products that it does not hold")
    }
    return bias
  }

  private func zero(bias: Float, _ scale: Float) throws -> Float {
    if bias == 0, scale == 0 || !isSymmetric { return 0 }
    try checkProducts(scale)
    let zero = (-Double(bias) / Double(scale)).rounded()
    guard zero.isFinite, -zero * Double(scale) == Double(bias) else {
      throw RecodingObstacle(
        "biases that are whole multiples of their scales", "biases that are none")
    }
    return Float(zero)
  }

  private var isSymmetric: Bool { if case .zero = to.offset { true } else { false } }

  /// Refuses scales whose products with codes are rounded: then a sum of two products is not the product of
  /// a sum.
  private func checkProducts(_ scale: Float) throws {
    guard scale.isFinite else {
      throw RecodingObstacle("finite scales", "scales that are infinite or no numbers")
    }
    let digits = scale == 0 ? 0 : 24 - scale.significandBitPattern.trailingZeros
    guard digits + from.bits <= 24 else {
      throw RecodingObstacle(
        "scales of at most \(24 - from.bits) binary digits, so that products with codes are exact",
        "scales of more")
    }
  }
}

extension UInt32 {
  /// How many of the 23 bits of a fraction are zeros at its end.
  fileprivate var trailingZeros: Int { Swift.min(trailingZeroBitCount, 23) }
}

extension ScalarType {
  /// Whether a type of floats represents a value exactly.
  func holds(_ value: Float) -> Bool {
    switch self {
    case .f32: true
    case .bf16: value.isNaN || FloatBits.float(bf16: FloatBits.bf16(value)) == value
    case .f16: value.isNaN || FloatBits.float(f16: FloatBits.f16(value)) == value
    default: false
    }
  }
}
