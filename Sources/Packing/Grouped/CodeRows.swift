import Tensors

/// The codes of a weight, row after row, and the numbers they stand for before any scale.
struct CodeRows: Sendable {
  /// What a code is.
  enum Kind: Hashable, Sendable {
    /// Unsigned integers in a bit stream; `zero` is the code that stands for 0.
    case integers(width: Int, zero: Int)
    /// Signed bytes.
    case signed
    /// E2M1 floats of 4 bits, low half of a byte first.
    case float4(FloatTable)
    /// Floats of a byte each.
    case float8(ScalarType)
  }

  let region: ByteRegion
  /// The length of a row, with what fills it up to whole words.
  /// - Units: bytes.
  let rowBytes: Int
  let kind: Kind

  /// Writes numbers of one row.
  func load(_ row: Int, _ columns: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try region.withBytes(in: row * rowBytes..<(row + 1) * rowBytes) { bytes in
      switch kind {
      case .integers(let width, let zero):
        BitStream(bytes: bytes, width: width).unpack(columns, minus: zero, into: values)
      case .signed:
        for (place, column) in columns.enumerated() {
          values[place] = Float(Int8(bitPattern: bytes[column]))
        }
      case .float4(let table): table.load(bytes, columns, into: values)
      case .float8(let type): FloatBits.load(bytes, columns, type, into: values)
      }
    }
  }

  /// Writes how far apart numbers lie, before any scale.
  func loadSpacing(_ row: Int, _ columns: Range<Int>, into values: UnsafeMutablePointer<Float>)
    throws
  {
    try region.withBytes(in: row * rowBytes..<(row + 1) * rowBytes) { bytes in
      switch kind {
      case .integers, .signed: values.update(repeating: 1, count: columns.count)
      case .float4: FloatTable.spacing.load(bytes, columns, into: values)
      case .float8(let type): LevelSpacing.load(bytes, columns, type, into: values)
      }
    }
  }
}

/// The numbers of E2M1 floats by code, the lower half positive.
struct FloatTable: Hashable, Sendable {
  /// As the format has it, with a negative zero.
  static let signedZero = FloatTable(zero: -0.0)
  /// With one zero, as some tools read it.
  static let oneZero = FloatTable(zero: 0)

  /// How far apart they lie.
  static let spacing = FloatTable(LevelSpacing.of(oneZero.numbers))

  private let numbers: [Float]

  private init(zero: Float) {
    self.init([0, 0.5, 1, 1.5, 2, 3, 4, 6, zero, -0.5, -1, -1.5, -2, -3, -4, -6])
  }

  private init(_ numbers: [Float]) { self.numbers = numbers }

  /// Writes the numbers of a run of codes, two to a byte.
  func load(
    _ bytes: UnsafeRawBufferPointer, _ run: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    numbers.withUnsafeBufferPointer { numbers in
      var (index, place) = (run.lowerBound, 0)
      if index & 1 == 1, index < run.upperBound {
        values[0] = numbers[Int(bytes[index >> 1] >> 4)]
        (index, place) = (index + 1, 1)
      }
      while index + 1 < run.upperBound {
        let pair = Int(bytes[index >> 1])
        values[place] = numbers[pair & 15]
        values[place + 1] = numbers[pair >> 4]
        (index, place) = (index + 2, place + 2)
      }
      if index < run.upperBound { values[place] = numbers[Int(bytes[index >> 1] & 15)] }
    }
  }
}
