import Tensors

/// The scale and the bias of a group of values, as MLX computes them on a CPU.
struct AffineGroup {
  let scale: Float
  let bias: Float

  /// The smallest scale.
  private static let smallest: Float = 1e-7

  /// - Parameter highest: the largest code.
  /// - Precondition: `count` is a multiple of eight.
  init(_ values: UnsafePointer<Float>, count: Int, highest: Float) {
    let (low, high) = Self.extremes(values, count)
    // The end that is farther from zero gets a code without rounding; the scale points away from it.
    let isLow = abs(low) > abs(high)
    let size = max((high - low) / highest, Self.smallest)
    let edge = isLow ? low : high
    let step = isLow ? size : -size
    let code = (edge / step).rounded(.toNearestOrEven)
    (scale, bias) = code == 0 ? (step, 0) : (edge / code, edge)
  }

  private static func extremes(_ values: UnsafePointer<Float>, _ count: Int) -> (Float, Float) {
    let start = UnsafeRawPointer(values)
    var (below, high) = (Lanes(repeating: -.infinity), Lanes(repeating: -.infinity))
    for index in stride(from: 0, to: count, by: 8) {
      let lanes = start.loadUnaligned(fromByteOffset: index &* 4, as: Lanes.self)
      below = below.larger(-lanes)
      high = high.larger(lanes)
    }
    return (-below.largest, high.largest)
  }

  /// Writes the codes of the values, one to a byte.
  /// - Parameter stored: the scale and the bias as a reader will know them.
  /// - Returns: how far the values are from what the codes stand for.
  func codes(
    of values: UnsafePointer<Float>, count: Int, highest: Float, stored: AffineGroup,
    to codes: UnsafeMutablePointer<UInt8>
  ) -> RoundingError {
    let (start, place) = (UnsafeRawPointer(values), UnsafeMutableRawPointer(codes))
    let (scale, bias) = (Lanes(repeating: scale), Lanes(repeating: bias))
    var (error, energy) = (Lanes.zero, Lanes.zero)
    for index in stride(from: 0, to: count, by: 8) {
      let lanes = start.loadUnaligned(fromByteOffset: index &* 4, as: Lanes.self)
      var numbers = (lanes - bias) / scale
      numbers.replace(with: 0, where: .!(numbers .> 0))
      numbers.replace(with: highest, where: numbers .> highest)
      // From 2^23 on, floats are whole numbers.
      let whole = numbers + 0x1p23 - 0x1p23
      place.storeBytes(of: whole.word.littleEndian, toByteOffset: index, as: UInt64.self)
      let difference = whole * stored.scale + stored.bias - lanes
      error += difference * difference
      energy += lanes * lanes
    }
    return RoundingError(energy: Double(energy.sum()), error: Double(error.sum()))
  }

  /// The scale and the bias rounded to a type.
  func rounded(to type: ScalarType) -> AffineGroup {
    AffineGroup(
      scale: FloatBits.rounded(scale, to: type), bias: FloatBits.rounded(bias, to: type))
  }

  private init(scale: Float, bias: Float) { (self.scale, self.bias) = (scale, bias) }
}

extension FloatBits {
  /// The number of F32, BF16 or F16 that is nearest to a value.
  static func rounded(_ value: Float, to type: ScalarType) -> Float {
    switch type {
    case .bf16: float(bf16: bf16(value))
    case .f16: float(f16: f16(value))
    default: value
    }
  }

  /// Stores one F32, BF16 or F16 number.
  static func store(_ value: Float, to place: UnsafeMutableRawPointer, _ type: ScalarType) {
    withUnsafePointer(to: value) { _ = store($0, count: 1, to: place, type) }
  }
}
