import Canonical
import Tensors

/// Something that an adapter does to the values of a stored tensor, in the order of the adapter's own layout.
protocol TensorChange: Sendable {
  /// Changes a run of values.
  /// - Parameters:
  ///   - run: elements of the tensor in the adapter's layout, counted row-major.
  ///   - values: the values before, in the place of which those after are put.
  ///   - type: the type in which the tensor is stored.
  /// - Throws: `Problem` of kind `io` where the adapter cannot be read.
  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType) throws
}

/// Adds the product of two thin matrices.
struct AddedProduct: TensorChange {
  let update: LowRankUpdate

  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType
  ) throws {
    try update.forEachRow(run) { start, change in
      for index in change.indices {
        let value = change[index]
        values[start + index] += update.rounding == .change ? type.rounded(value) : value
      }
    }
  }
}

/// Adds a vector times a number.
struct AddedVector: TensorChange {
  let tensor: AdapterTensor
  let scale: Float

  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType
  ) throws {
    try tensor.region.withBytes { bytes in
      for index in run {
        values[index - run.lowerBound] += FloatBits.load(bytes, index, tensor.type) * scale
      }
    }
  }
}

/// Puts the values of the adapter in the place of all values.
struct ReplacedValues: TensorChange {
  let tensor: AdapterTensor
  /// How the adapter's layout stores canonical values, and how the base does.
  let steps: (stored: [ValueStep], written: [ValueStep])

  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType
  ) throws {
    try load(tensor, run, values)
    guard steps.stored != steps.written else { return }
    for index in values.indices {
      let canonical = steps.stored.reversed().reduce(values[index]) { $1.undo($0) }
      values[index] = steps.written.reduce(canonical) { $1.apply($0) }
    }
  }
}

/// Puts rows of the adapter in the place of some rows.
struct ReplacedRows: TensorChange {
  let tensor: AdapterTensor
  /// Which row of the adapter takes the place of a row.
  let rows: [Int: Int]
  let columns: Int

  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType
  ) throws {
    var start = run.lowerBound
    while start < run.upperBound {
      let (row, column) = start.quotientAndRemainder(dividingBy: columns)
      let count = min(columns - column, run.upperBound - start)
      if let other = rows[row] {
        let first = start - run.lowerBound
        let from = other * columns + column
        try load(
          tensor, from..<from + count,
          UnsafeMutableBufferPointer(rebasing: values[first..<first + count]))
      }
      start += count
    }
  }
}

/// Loads a run of values of a tensor of an adapter.
private func load(
  _ tensor: AdapterTensor, _ run: Range<Int>, _ values: UnsafeMutableBufferPointer<Float>
) throws {
  let width = tensor.byteCount / max(tensor.elementCount, 1)
  try tensor.region.withBytes(in: run.lowerBound * width..<run.upperBound * width) { bytes in
    if let start = values.baseAddress {
      FloatBits.load(bytes, 0..<run.count, tensor.type, into: start)
    }
  }
}

extension ScalarType {
  /// A value as this type holds it.
  fileprivate func rounded(_ value: Float) -> Float {
    switch self {
    case .bf16: FloatBits.float(bf16: FloatBits.bf16(value))
    case .f16: FloatBits.float(f16: FloatBits.f16(value))
    default: value
    }
  }
}
