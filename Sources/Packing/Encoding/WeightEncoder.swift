import Tensors

/// Rounds the values of one weight into the stored tensors that stand for it.
///
/// Values are finite F32, row-major over the shape of the weight, and come in runs of whole units, so that
/// a weight of any size is packed in little memory. Where several units share what is stored, such as the
/// scale of a block of rows, the encoder sees all values once before it rounds any.
public protocol WeightEncoder: Sendable {
  /// How the values are packed.
  var scheme: PackingScheme { get }
  /// The stored tensors, the codes first.
  var parts: [EncodedPart] { get }

  /// The encoder with what it needs to know of all values.
  /// - Parameter forEach: calls its body with the values in order, run by run.
  /// - Cost: reads the values only where units share something.
  func measured(
    _ forEach: (_ body: (Range<Int>, UnsafePointer<Float>) throws -> Void) throws -> Void
  ) throws -> Self

  /// The whole of a part that follows from what was measured; nil for one that values are rounded into.
  func bytes(of part: Int) -> [UInt8]?

  /// Rounds a run of values into a part.
  /// - Parameters:
  ///   - values: those of the run.
  ///   - place: room for the bytes of as many units of the part.
  /// - Returns: what rounding did to the values; nothing for a part other than the codes.
  /// - Precondition: the run begins and ends at units of the part.
  func encode(
    _ run: Range<Int>, _ values: UnsafePointer<Float>, part: Int, to place: UnsafeMutableRawPointer
  ) -> RoundingError
}

extension WeightEncoder {
  /// The encoder itself, where nothing is shared.
  public func measured(
    _ forEach: (_ body: (Range<Int>, UnsafePointer<Float>) throws -> Void) throws -> Void
  ) throws -> Self { self }

  /// None, where values are rounded into every part.
  public func bytes(of part: Int) -> [UInt8]? { nil }
}

/// One of the stored tensors that a weight is packed into.
public struct EncodedPart: Hashable, Sendable {
  /// The stored name behind that of the module.
  public let ending: String
  /// The type of the stored elements.
  public let type: ScalarType
  /// The stored shape.
  public let shape: [Int]
  /// The values that are rounded together, and the bytes that they become.
  public let unit: Unit

  /// A number of values and their size once they are rounded.
  public struct Unit: Hashable, Sendable {
    /// How many values are rounded together.
    public let values: Int
    /// Their size once they are rounded.
    public let bytes: Int
  }
}

/// How far rounded values are from what they were.
public struct RoundingError: Hashable, Sendable {
  /// The sum of the squares of all values.
  public private(set) var energy = 0.0
  /// The sum of the squares of what rounding added to them.
  public private(set) var error = 0.0

  /// None.
  public init() {}

  /// Sums that were computed before.
  public init(energy: Double, error: Double) { (self.energy, self.error) = (energy, error) }

  /// The root of the error's share of the energy; nil where all values are zero and stay so.
  public var relative: Double? {
    energy > 0 ? (error / energy).squareRoot() : error > 0 ? .infinity : nil
  }

  /// Adds that of other values.
  public static func += (sum: inout Self, more: Self) {
    sum.energy += more.energy
    sum.error += more.error
  }

  /// Adds values and what they were rounded to.
  @inline(__always)
  mutating func add(_ values: SIMD8<Float>, roundedTo rounded: SIMD8<Float>) {
    let wide = SIMD8<Double>(values)
    let error = SIMD8<Double>(rounded) - wide
    self.energy += (wide * wide).sum()
    self.error += (error * error).sum()
  }

  /// Adds a value and what it was rounded to.
  @inline(__always)
  mutating func add(_ value: Float, roundedTo rounded: Float) {
    let error = Double(rounded) - Double(value)
    self.energy += Double(value) * Double(value)
    self.error += error * error
  }
}
