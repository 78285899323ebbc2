import Tensors

/// The rows of a packed weight as codes, and what they stand for, free of the order in which a library
/// stores them.
public protocol CodedRows: Sendable {
  /// What codes are and what stands beside them.
  var form: CodedForm { get }
  /// The shape of the values; the last axis is that of the inputs.
  var shape: [Int] { get }

  /// Writes the codes of some columns of neighbouring rows, row by row, a byte each.
  /// - Parameter rows: counted over all matrices.
  func codes(
    _ rows: Range<Int>, _ columns: Range<Int>, into codes: UnsafeMutablePointer<UInt8>) throws

  /// Writes the scales of all groups of neighbouring rows, row by row, and their offsets: zero points as
  /// numbers, biases. A scale that is a byte is written as its number.
  func terms(
    _ rows: Range<Int>, scales: UnsafeMutablePointer<Float>, offsets: UnsafeMutablePointer<Float>
  ) throws

  /// What the scales of a matrix are combined with.
  func global(_ matrix: Int) throws -> Float
}

extension CodedRows {
  /// The inputs of a row.
  var inputs: Int { shape.last ?? 1 }
  /// The rows of a matrix.
  var matrixRows: Int { shape.dropLast().last ?? 1 }
  /// The rows of all matrices.
  var rowCount: Int { shape.dropLast().reduce(1, *) }
  /// The matrices.
  var matrices: Int { shape.dropLast(2).reduce(1, *) }
  /// The groups of a row.
  var groups: Int { form.groups(of: inputs) }

  /// The scales and offsets of some rows.
  func withTerms<Result>(
    _ rows: Range<Int>,
    _ body: (_ scales: UnsafeMutablePointer<Float>, _ offsets: UnsafeMutablePointer<Float>) throws
      -> Result
  ) throws -> Result {
    let count = rows.count * groups
    let terms = try OwnedBytes(reserving: max(2 * count, 1) * 4)
    return try withExtendedLifetime(terms) {
      let scales = terms.mutableBytes.bindMemory(to: Float.self)
      guard let start = scales.baseAddress else { preconditionFailure("no memory") }
      try self.terms(rows, scales: start, offsets: start + count)
      return try body(start, start + count)
    }
  }

  /// The codes of some columns of some rows.
  func withCodes<Result>(
    _ rows: Range<Int>, _ columns: Range<Int>,
    _ body: (UnsafeMutablePointer<UInt8>) throws -> Result
  ) throws -> Result {
    let bytes = try OwnedBytes(reserving: max(rows.count * columns.count, 1))
    return try withExtendedLifetime(bytes) {
      let codes = bytes.mutableBytes.bindMemory(to: UInt8.self)
      guard let start = codes.baseAddress else { preconditionFailure("no memory") }
      try self.codes(rows, columns, into: start)
      return try body(start)
    }
  }
}

extension PackedWeight {
  /// The weight as rows of codes; nil for one whose scales do not belong to rows.
  public var coded: (any CodedRows)? { self as? any CodedRows }
}
