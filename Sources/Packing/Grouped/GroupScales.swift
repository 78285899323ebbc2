import Tensors

/// The scales of a weight, or other numbers that lie like them: one for each group of columns of some rows.
struct GroupScales: Sendable {
  /// What a stored scale is.
  enum Kind: Hashable, Sendable {
    /// A float.
    case float(ScalarType)
    /// A byte that is the exponent of a power of two, the largest of which is infinite.
    case power
    /// A byte that is a whole number, with a sign.
    case signed
    /// A byte that is a whole number, without a sign.
    case byte
    /// A float that stands for 127 times the scale.
    case over127
  }

  /// A factor of the whole matrix that is combined with every scale before values are multiplied.
  enum Global: Sendable {
    case multiplied(by: ByteRegion)
    case divided(by: ByteRegion)
    /// The largest magnitude of a matrix; the factor is that over the largest product of an E4M3 and an
    /// E2M1.
    case amax(ByteRegion)
  }

  let region: ByteRegion
  let kind: Kind
  /// The scales of a row.
  let count: Int
  /// The rows of each matrix of the weight, and how many rows share scales.
  let rows: (all: Int, shared: Int)
  var global: Global?

  /// Writes the scales of some groups of a row.
  /// - Parameter row: counted over all matrices.
  func load(_ row: Int, _ groups: Range<Int>, into scales: UnsafeMutablePointer<Float>) throws {
    let (matrix, inside) = row.quotientAndRemainder(dividingBy: rows.all)
    let rowsOfScales = (rows.all + rows.shared - 1) / rows.shared
    let first = (matrix * rowsOfScales + inside / rows.shared) * count
    let run = first + groups.lowerBound..<first + groups.upperBound
    try region.withBytes(in: run.lowerBound * width..<run.upperBound * width) { bytes in
      load(bytes, run.count, into: scales)
    }
    if let global { try combine(scales, run.count, with: global, matrix) }
  }

  /// Writes the scales of some groups of a row without that of the matrix; those that are bytes as the
  /// numbers of these.
  func loadOwn(_ row: Int, _ groups: Range<Int>, into scales: UnsafeMutablePointer<Float>) throws {
    switch kind {
    case .float(.f8E4M3), .float(.f8E8M0), .power:
      let bytes = GroupScales(region: region, kind: .byte, count: count, rows: rows)
      try bytes.load(row, groups, into: scales)
    default:
      var own = self
      own.global = nil
      try own.load(row, groups, into: scales)
    }
  }

  /// The number of a matrix that its scales are combined with, as it is stored; one where there is none.
  func globalNumber(_ matrix: Int) throws -> Float {
    switch global {
    case .multiplied(let region), .divided(let region), .amax(let region):
      try number(region, matrix)
    case nil: 1
    }
  }

  private var width: Int {
    switch kind {
    case .float(let type): type.byteWidth ?? 1
    case .over127: 4
    case .power, .signed, .byte: 1
    }
  }

  private func load(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, into scales: UnsafeMutablePointer<Float>
  ) {
    switch kind {
    case .float(let type): FloatBits.load(bytes, 0..<count, type, into: scales)
    case .power: for index in 0..<count { scales[index] = Self.power(bytes[index]) }
    case .signed: for index in 0..<count { scales[index] = Float(Int8(bitPattern: bytes[index])) }
    case .byte: for index in 0..<count { scales[index] = Float(bytes[index]) }
    case .over127:
      FloatBits.load(bytes, 0..<count, .f32, into: scales)
      for index in 0..<count { scales[index] /= 127 }
    }
  }

  private static func power(_ exponent: UInt8) -> Float {
    exponent == 0 ? 0x1p-127 : Float(bitPattern: UInt32(exponent) << 23)
  }

  private func combine(
    _ scales: UnsafeMutablePointer<Float>, _ count: Int, with global: Global, _ matrix: Int
  ) throws {
    switch global {
    case .multiplied(let region):
      let factor = try number(region, matrix)
      for index in 0..<count { scales[index] *= factor }
    case .divided(let region):
      let divisor = try number(region, matrix)
      for index in 0..<count { scales[index] /= divisor }
    case .amax(let region):
      let factor = try number(region, matrix) / Self.largest
      for index in 0..<count { scales[index] *= factor }
    }
  }

  /// The largest number of E4M3 times that of E2M1.
  private static let largest: Float = 448 * 6

  /// The number of a matrix, or the one that all share.
  private func number(_ region: ByteRegion, _ matrix: Int) throws -> Float {
    let index = region.count == 4 ? 0 : matrix
    return try region.withBytes(in: index * 4..<index * 4 + 4) {
      $0.loadUnaligned(as: Float.self)
    }
  }
}
