import Tensors

/// A format into which values can be rounded, as ggml's reference routines round them without a matrix
/// of importances.
///
/// All arithmetic is in F32, each product and sum rounded by itself, in ggml's order: blocks agree with
/// its own byte for byte.
protocol BlockEncoder: BlockFormat {
  /// Rounds the values of some blocks.
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer)
}

extension BlockEncoder {
  /// Rounds the values of whole blocks.
  static func store(
    _ values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawPointer
  ) -> Rounding {
    let unit = type.unit
    encode(values, blocks: count, into: place)
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: unit.elements) { stored in
      var rounding = Rounding()
      guard let base = stored.baseAddress else { return rounding }
      for block in 0..<count {
        decode(BlockBytes(start: place + block * unit.bytes), into: base)
        rounding.add(values + block * unit.elements, base, count: unit.elements)
      }
      return rounding
    }
  }
}

/// What rounding made of values.
public struct Rounding: Hashable, Sendable {
  /// How many values changed.
  public private(set) var changed = 0
  /// Whether all values are numbers, before and after.
  public private(set) var isFinite = true
  /// The sum of the squares of the differences.
  public private(set) var error = 0.0
  /// The sum of the squares of the values.
  public private(set) var power = 0.0
  private var isOfBlocks = false

  /// Values of which some changed; none yet.
  public init(changed: Int = 0) { self.changed = changed }

  /// How far the values of blocks are from those that were rounded; nil where no blocks were made.
  public var sums: RoundingError? {
    isOfBlocks ? RoundingError(energy: power, error: error) : nil
  }

  /// Adds values and what is stored for them.
  mutating func add(_ values: UnsafePointer<Float>, _ stored: UnsafePointer<Float>, count: Int) {
    var (error, power) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
    var same = SIMD8<Int32>.zero
    for index in stride(from: 0, to: count, by: 8) {
      let value = UnsafeRawPointer(values + index).loadUnaligned(as: SIMD8<Float>.self)
      let kept = UnsafeRawPointer(stored + index).loadUnaligned(as: SIMD8<Float>.self)
      let difference = kept - value
      error += difference * difference
      power += value * value
      same.replace(with: same &+ 1, where: kept .== value)
    }
    isOfBlocks = true
    changed += count - Int(same.wrappedSum())
    isFinite = isFinite && (error.sum() + power.sum()).isFinite
    self.error += Double(error.sum())
    self.power += Double(power.sum())
  }

  /// Adds what rounding made of other values.
  public mutating func add(_ other: Rounding) {
    changed += other.changed
    isOfBlocks = isOfBlocks || other.isOfBlocks
    isFinite = isFinite && other.isFinite
    error += other.error
    power += other.power
  }
}
