import Tensors

/// Scales that are bytes, and the scale of the matrix with which they are combined, in another form.
///
/// Libraries combine both in different ways, of which each rounds: a form is found for a matrix where
/// every scale that occurs in it comes out the same.
struct ScaleBytes: Sendable {
  /// The scales of the matrices in the new form; nil where there are none.
  let globals: [Float]
  /// The new byte of each byte; nil where all stay.
  private let maps: [[UInt8]]?

  /// Nil where nothing changes.
  init?(_ base: any CodedRows, to form: CodedForm) throws {
    guard form.scales == .float8, base.form.scales == .float8, base.form.global != form.global
    else {
      return nil
    }
    var globals: [Float] = []
    var maps: [[UInt8]] = []
    for matrix in 0..<base.matrices {
      let used = try Self.used(base, matrix)
      let effective = used.map { ($0, base.form.global.scale($0, try? base.global(matrix))) }
      guard let found = Self.translation(effective, form.global, try base.global(matrix), base.form)
      else {
        throw RecodingObstacle(
          form.global == .none
            ? "scales that E4M3 holds together with the one of the matrix"
            : "a scale of the matrix with which all scales come out the same",
          form.global == .none ? "others" : "scales for which there is none")
      }
      globals.append(found.global)
      maps.append(found.map)
    }
    self.globals = globals
    self.maps = form.global == .none ? maps : nil
  }

  func apply(to scales: UnsafeMutablePointer<Float>, _ count: Int, _ matrix: Int) throws {
    guard let map = maps?[matrix] else { return }
    for index in 0..<count { scales[index] = Float(map[Int(scales[index])]) }
  }

  /// The bytes that occur as scales of a matrix.
  private static func used(_ base: any CodedRows, _ matrix: Int) throws -> [UInt8] {
    var seen = [Bool](repeating: false, count: 256)
    for first in stride(from: 0, to: base.matrixRows, by: 64) {
      let start = matrix * base.matrixRows
      let rows = start + first..<start + min(first + 64, base.matrixRows)
      try base.withTerms(rows) { scales, _ in
        for index in 0..<rows.count * base.groups { seen[Int(scales[index])] = true }
      }
    }
    return (0..<256).filter { seen[$0] }.map { UInt8($0) }
  }

  private static func translation(
    _ effective: [(byte: UInt8, value: Float)], _ global: CodedForm.Global, _ former: Float,
    _ form: CodedForm
  ) -> (global: Float, map: [UInt8])? {
    guard effective.allSatisfy({ $0.value.isFinite }) else { return nil }
    if global == .none {
      var map = [UInt8](repeating: 0, count: 256)
      for (byte, value) in effective {
        guard let new = byteOf[value.bitPattern] else { return nil }
        map[Int(byte)] = new
      }
      return (1, map)
    }
    let factor = form.global.factor(former)
    let found = global.candidates(for: factor).first { candidate in
      effective.allSatisfy { global.scale($0.byte, candidate) == $0.value }
    }
    return found.map { ($0, []) }
  }

  /// The byte of E4M3 that is a number.
  private static let byteOf: [UInt32: UInt8] = Dictionary(
    (0..<255).filter { $0 != 0x7f }.map {
      (FloatBits.float(f8E4M3: UInt8($0)).bitPattern, UInt8($0))
    }, uniquingKeysWith: { first, _ in first })
}

extension CodedForm.Global {
  /// The largest number of E4M3 times that of E2M1.
  private static let largest: Float = 448 * 6

  /// The scale that a byte stands for with that of the matrix.
  fileprivate func scale(_ byte: UInt8, _ global: Float?) -> Float {
    let own = FloatBits.float(f8E4M3: byte)
    let global = global ?? .nan
    switch self {
    case .none: return own
    case .multiplied: return own * global
    case .divided: return own / global
    case .amax: return own * (global / Self.largest)
    }
  }

  /// What scales are multiplied by, nearly.
  fileprivate func factor(_ global: Float) -> Double {
    switch self {
    case .none: 1
    case .multiplied: Double(global)
    case .divided: 1 / Double(global)
    case .amax: Double(global) / Double(Self.largest)
    }
  }

  /// The scales of a matrix that may have the effect of a factor, the nearest first.
  fileprivate func candidates(for factor: Double) -> [Float] {
    let near: Double =
      switch self {
      case .none: 1
      case .multiplied: factor
      case .divided: 1 / factor
      case .amax: factor * Double(Self.largest)
      }
    let nearest = Float(near)
    var candidates = [nearest]
    var (up, down) = (nearest, nearest)
    for _ in 0..<4 {
      (up, down) = (up.nextUp, down.nextDown)
      candidates += [up, down]
    }
    return candidates
  }
}
