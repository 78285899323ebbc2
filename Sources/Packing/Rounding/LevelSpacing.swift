import Tensors

/// How far apart the levels lie to which values are rounded.
///
/// A value of a level stands for all that was nearer to it than to its neighbours, spread evenly. Their
/// mean squared distance from it is a twelfth of the squared spacing, as between levels of equal
/// distance; where the neighbours are not equally far, the spacing says the same of both sides together.
enum LevelSpacing {
  /// The spacing at a level between two others.
  /// - Parameters:
  ///   - below: the distance from the next lower level; nil for the lowest.
  ///   - above: the distance to the next higher level; nil for the highest.
  static func at(below: Float?, above: Float?) -> Float {
    let (a, b) = (below ?? above ?? 0, above ?? below ?? 0)
    return (a * a - a * b + b * b).squareRoot()
  }

  /// The spacing at each of some levels, in whatever order.
  static func of(_ levels: [Float]) -> [Float] {
    let sorted = Set(levels.map { $0 + 0 }).sorted()
    return levels.map { level in
      guard let place = sorted.firstIndex(of: level + 0) else { return 0 }
      return at(
        below: place > 0 ? sorted[place] - sorted[place - 1] : nil,
        above: place + 1 < sorted.count ? sorted[place + 1] - sorted[place] : nil)
    }
  }

  /// Writes the spacing of floats of one or two bytes: the distance to the float whose last bit is another.
  static func load(
    _ bytes: UnsafeRawBufferPointer, _ run: Range<Int>, _ type: ScalarType,
    into values: UnsafeMutablePointer<Float>
  ) {
    let width = type.byteWidth ?? 1
    withUnsafeTemporaryAllocation(byteCount: 3 * width, alignment: 2) { other in
      for (place, index) in run.enumerated() {
        let stored = UnsafeRawBufferPointer(rebasing: bytes[index * width..<(index + 1) * width])
        for (copy, mask) in [UInt8(0), 1, 2].enumerated() {
          for byte in 0..<width {
            other[copy * width + byte] = stored[byte] ^ (byte == 0 ? mask : 0)
          }
        }
        let floats = UnsafeRawBufferPointer(other)
        let value = FloatBits.load(floats, 0, type)
        let (near, far) = (FloatBits.load(floats, 1, type), FloatBits.load(floats, 2, type))
        // The largest numbers of some types stand beside what is no number.
        let gap = near.isFinite ? abs(near - value) : abs(far - value) / 2
        values[place] = gap.isFinite ? gap : 0
      }
    }
  }
}

extension StoredValues {
  /// Loads how far apart the levels lie to which stored elements were rounded; zero for F32.
  ///
  /// A value that was rounded is off by no more than about half of it, and by its twelfth part in the mean,
  /// both squared.
  /// - Parameters: as of `load`.
  /// - Precondition: as of `load`.
  public static func loadSpacing(
    _ bytes: UnsafeRawBufferPointer, _ run: Range<Int>, _ type: ScalarType,
    into values: UnsafeMutablePointer<Float>
  ) {
    if type == .f32 { return values.update(repeating: 0, count: run.count) }
    guard type.isBlock else { return LevelSpacing.load(bytes, run, type, into: values) }
    guard let format = BlockFormats.format(of: type), let start = bytes.baseAddress else {
      preconditionFailure("\(type.rawValue) holds no weights")
    }
    format.loadSpacing(start, run, into: values)
  }
}
