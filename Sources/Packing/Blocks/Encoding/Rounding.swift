import Tensors

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
    var sums = LaneSums()
    for index in stride(from: 0, to: count, by: 8) {
      sums.add(
        UnsafeRawPointer(values + index).loadUnaligned(as: Lanes.self),
        stored: UnsafeRawPointer(stored + index).loadUnaligned(as: Lanes.self))
    }
    add(sums)
  }

  /// Adds what was summed lane by lane.
  mutating func add(_ sums: LaneSums) {
    isOfBlocks = true
    changed += sums.count - Int(sums.same.wrappedSum())
    let (error, power) = (sums.error.sum(), sums.power.sum())
    isFinite = isFinite && (error + power).isFinite
    self.error += Double(error)
    self.power += Double(power)
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

/// What rounding made of a few values, lane by lane.
struct LaneSums {
  private(set) var count = 0
  private(set) var (error, power) = (Lanes.zero, Lanes.zero)
  private(set) var same = SIMD8<Int32>.zero

  @inline(__always)
  mutating func add(_ values: Lanes, stored: Lanes) {
    let difference = stored - values
    error += difference * difference
    power += values * values
    same &-= unsafeBitCast(stored .== values, to: SIMD8<Int32>.self)
    count &+= 8
  }

  /// Adds a block, with as few accesses to the sums as can be.
  @inline(__always)
  mutating func add(_ row: FourLanes, stored: (Lanes, Lanes, Lanes, Lanes)) {
    let (a, b, c, d) = row.values
    let errors = (stored.0 - a, stored.1 - b, stored.2 - c, stored.3 - d)
    error += errors.0 * errors.0 + errors.1 * errors.1 + (errors.2 * errors.2 + errors.3 * errors.3)
    power += a * a + b * b + (c * c + d * d)
    let equal = (
      unsafeBitCast(errors.0 .== 0, to: SIMD8<Int32>.self),
      unsafeBitCast(errors.1 .== 0, to: SIMD8<Int32>.self),
      unsafeBitCast(errors.2 .== 0, to: SIMD8<Int32>.self),
      unsafeBitCast(errors.3 .== 0, to: SIMD8<Int32>.self)
    )
    same &-= equal.0 &+ equal.1 &+ (equal.2 &+ equal.3)
    count &+= 32
  }
}
