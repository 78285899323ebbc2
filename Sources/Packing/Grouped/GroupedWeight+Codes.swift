import Tensors

extension GroupedWeight: CodedRows {
  var form: CodedForm {
    var form = CodedForm(
      codes: codes.kind.codes, group: columnGroups.size, scales: scales.kind.scales,
      offset: codedOffset, global: scales.global?.form ?? .none)
    form.rows = scales.rows.shared
    form.index = columnGroups.index
    return form
  }

  private var codedOffset: CodedForm.Offset {
    switch offset {
    case .bias(let biases):
      if case .float(let type) = biases.kind { return .biases(type) }
      return .biases(.f32)
    case .zero, .packedZero: return .zeros
    case nil: return codes.kind.zero.map { .zero($0) } ?? .none
    }
  }

  func codes(
    _ rows: Range<Int>, _ columns: Range<Int>, into place: UnsafeMutablePointer<UInt8>
  ) throws {
    for row in rows {
      try codes.load(row, columns, into: place + (row - rows.lowerBound) * columns.count)
    }
  }

  func terms(
    _ rows: Range<Int>, scales: UnsafeMutablePointer<Float>, offsets: UnsafeMutablePointer<Float>
  ) throws {
    let count = self.scales.count
    for row in rows {
      let start = (row - rows.lowerBound) * count
      try self.scales.loadOwn(row, 0..<count, into: scales + start)
      try loadOffsets(row, into: offsets + start)
    }
  }

  private func loadOffsets(_ row: Int, into offsets: UnsafeMutablePointer<Float>) throws {
    let count = scales.count
    let middle = Float(codes.kind.zero ?? 0)
    switch offset {
    case .bias(let biases): return try biases.load(row, 0..<count, into: offsets)
    case .zero(let zeros): try zeros.load(row, 0..<count, into: offsets)
    case .packedZero(let zeros): try zeros.load(row, 0..<count, into: offsets)
    case nil: offsets.update(repeating: 0, count: count)
    }
    for group in 0..<count { offsets[group] += middle }
  }

  func global(_ matrix: Int) throws -> Float { try scales.globalNumber(matrix) }
}

extension CodeRows.Kind {
  fileprivate var codes: CodedForm.Codes {
    switch self {
    case .integers(let width, _): .integers(bits: width)
    case .signed: .integers(bits: 8)
    case .float4: .float4
    case .float8: .float8
    }
  }

  /// The code that stands for zero where none is stored, of integers.
  fileprivate var zero: Int? {
    switch self {
    case .integers(_, let zero): zero
    case .signed: 128
    case .float4, .float8: nil
    }
  }
}

extension CodeRows {
  /// Writes the codes of some columns of a row; signed bytes count from the lowest.
  fileprivate func load(_ row: Int, _ columns: Range<Int>, into codes: UnsafeMutablePointer<UInt8>)
    throws
  {
    try region.withBytes(in: row * rowBytes..<(row + 1) * rowBytes) { bytes in
      switch kind {
      case .integers(let width, _): BitStream(bytes: bytes, width: width).load(columns, into: codes)
      case .float4: BitStream(bytes: bytes, width: 4).load(columns, into: codes)
      case .float8:
        for (place, column) in columns.enumerated() { codes[place] = bytes[column] }
      case .signed:
        for (place, column) in columns.enumerated() { codes[place] = bytes[column] ^ 0x80 }
      }
    }
  }
}

extension GroupScales.Kind {
  fileprivate var scales: CodedForm.Scales {
    switch self {
    case .float(.f8E4M3): .float8
    case .float(.f8E8M0), .power: .exponent
    case .float(let type): .float(type)
    case .signed, .byte, .over127: .float(.f32)
    }
  }
}

extension GroupScales.Global {
  fileprivate var form: CodedForm.Global {
    switch self {
    case .multiplied: .multiplied
    case .divided: .divided
    case .amax: .amax
    }
  }
}
