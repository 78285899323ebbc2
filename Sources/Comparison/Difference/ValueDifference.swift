import Canonical
import Opening
import Tensors

/// How far the values of two tensors of one shape are apart.
public struct ValueDifference: Hashable, Sendable {
  /// The number of elements.
  public private(set) var count = 0
  /// The number of elements that differ.
  public private(set) var changed = 0
  /// The largest difference; infinite where one of both is not finite.
  public private(set) var maxAbs = 0.0
  /// The largest difference over the larger magnitude of both.
  public private(set) var maxRelative = 0.0
  private var errors = 0.0
  private var magnitudes = 0.0
  private var rounding = 0.0
  private let floor: Double
  private var levels: LevelGap?

  /// The squared differences over the squares of the larger magnitudes, of the elements that differ;
  /// infinite where one of them is not finite or no number.
  public var relativeError: Double { changed == 0 ? 0 : errors / magnitudes }

  /// The squared differences, and the squares of the larger magnitudes of what differs.
  var squaredErrors: Double { errors }
  var squaredMagnitudes: Double { magnitudes }

  /// The differences as what rounding may explain.
  var gap: ValueGap {
    ValueGap(
      relative: relativeError, maxAbs: maxAbs, rounding: rounding, levels: levels)
  }

  /// Compares values in canonical order, or bytes where they are no numbers that Graft computes with.
  /// - Parameters:
  ///   - floor: the magnitude from which on rounding is relative; numbers below the smallest that F16 has
  ///     in full never count as less.
  ///   - byLevels: whether differences of quantised values count over the spacing of their levels, too.
  /// - Precondition: the shapes are the same.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  /// - Cost: one pass over both; memory for one window.
  init(
    _ a: CanonicalTensor, _ b: CanonicalTensor, floor: Double = 0, byLevels: Bool = false
  ) throws {
    self.floor = max(floor, 0x1p-15)
    guard a.isComputable, b.isComputable else {
      count = a.count
      changed = try a.type == b.type && a.region.holdsSameBytes(as: b.region) ? 0 : count
      (errors, magnitudes) = (.infinity, 1)
      if changed > 0 { (maxAbs, rounding) = (.infinity, .infinity) }
      return
    }
    var levels = byLevels ? LevelErrors(a, window: Self.window) : nil
    let (mine, theirs) = (
      PartStream(reading: a, asStored: false), PartStream(reading: b, asStored: false)
    )
    let buffers = (OwnedBytes(count: Self.window * 4), OwnedBytes(count: Self.window * 4))
    for start in stride(from: 0, to: a.count, by: Self.window) {
      let range = start..<min(start + Self.window, a.count)
      guard let x = buffers.0.mutableBytes.baseAddress, let y = buffers.1.mutableBytes.baseAddress
      else { return }
      _ = try mine.fill(x, range)
      _ = try theirs.fill(y, range)
      let (a, b) = (
        x.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self)
      )
      add(a, b, range.count)
      try levels?.add(a, b, range)
    }
    self.levels = levels?.gap
  }

  /// The number of elements that are compared at a time.
  private static let window = 1 << 16

  private mutating func add(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) {
    self.count += count
    for index in 0..<count where a[index] != b[index] && !(a[index].isNaN && b[index].isNaN) {
      let (x, y) = (Double(a[index]), Double(b[index]))
      let gap = x.isFinite && y.isFinite ? abs(x - y) : .infinity
      changed += 1
      maxAbs = max(maxAbs, gap)
      errors += gap * gap
      magnitudes += gap.isFinite ? max(x * x, y * y) : 1
      rounding = max(rounding, gap / max(abs(x), abs(y), floor))
      maxRelative = max(maxRelative, gap.isFinite ? gap / max(abs(x), abs(y)) : .infinity)
    }
  }
}
