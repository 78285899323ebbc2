import Packing
import Tensors
import Testing

/// What libraries packed is read as they read it, bit for bit.
struct PackedValueTests {
  @Test(arguments: PackedCase.all)
  func valuesAreThoseOfTheLibrary(packed: PackedCase) throws {
    let parts = try packed.parts()
    for entry in packed.weights {
      let weight = try #require(try packed.open(entry, parts), "\(entry.module)")
      #expect(weight.shape == entry.shape, "\(entry.module)")
      #expect(try weight.hash() == entry.hash, "\(entry.module)")
    }
  }

  @Test(arguments: PackedCase.all)
  func anyRunHasTheSameValues(packed: PackedCase) throws {
    let parts = try packed.parts()
    for entry in packed.weights {
      let weight = try #require(try packed.open(entry, parts), "\(entry.module)")
      let all = try weight.values().map(\.bitPattern)
      for run in runs(of: weight) {
        #expect(
          try weight.values(run).map(\.bitPattern) == Array(all[run]), "\(entry.module) \(run)")
      }
      #expect(try weight.unpacked.withBytes(in: 6..<13) { Array($0) } == bytes(all, 6..<13))
    }
  }

  /// Some columns of some rows at a time, as products read them.
  @Test(arguments: PackedCase.all)
  func tilesHaveTheSameValues(packed: PackedCase) throws {
    let parts = try packed.parts()
    for entry in packed.weights {
      let weight = try #require(try packed.open(entry, parts), "\(entry.module)")
      let all = try weight.values().map(\.bitPattern)
      let (rows, columns) = (weight.count / weight.columns, weight.columns)
      for (some, range) in [(0..<rows, 0..<columns), (rows / 3..<rows, columns / 2..<columns)] {
        let stride = range.count + 3
        var tile = [Float](repeating: 0, count: some.count * stride)
        try weight.decode(rows: some, columns: range, into: &tile, stride: stride)
        for (index, row) in some.enumerated() {
          let found = tile[index * stride..<index * stride + range.count].map(\.bitPattern)
          let place = row * columns + range.lowerBound
          #expect(found == Array(all[place..<place + range.count]), "\(entry.module) \(row)")
        }
      }
    }
  }

  /// Runs that start and end inside rows, groups and words.
  private func runs(of weight: any PackedWeight) -> [Range<Int>] {
    let (count, columns) = (weight.count, weight.columns)
    return [
      0..<1, count - 1..<count, 1..<count, 3..<min(count, columns + 7),
      count / 2..<count / 2 + 1, columns / 3..<columns / 3 + columns / 2, count / 3..<count - 1,
    ].map { $0.clamped(to: 0..<count) }
  }

  private func bytes(_ values: [UInt32], _ range: Range<Int>) -> [UInt8] {
    values.withUnsafeBytes { Array($0[range]) }
  }
}
