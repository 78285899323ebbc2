import Canonical
import Containers
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Comparison
@testable import Conversion

/// Tensors of several windows: no window is left out, met twice or taken from elsewhere.
struct LargeTensorTests {
  /// Longer than the window of each pass over elements or bytes, and no multiple of any.
  private static let rows = 613
  private static let columns = 307
  private static let values: [Float] = (0..<rows * columns).map { Float($0 % 9973) - 4000 }

  private func tensor(_ values: [Float] = values, isTransposed: Bool = false) -> CanonicalTensor {
    let (rows, columns) = (Self.rows, Self.columns)
    return CanonicalTensor(
      shape: [rows, columns], type: .f32, region: ByteRegion(OwnedBytes(values)),
      view: isTransposed
        ? StridedView(offset: 0, axes: [.init(rows, 1), .init(columns, rows)])
        : StridedView(contiguous: [rows, columns]),
      origin: "w")
  }

  private func hash(_ values: [Float]) -> String {
    TensorHash.text(values.withUnsafeBytes { Array($0) })
  }

  @Test func hashesAreThoseOfAllElements() throws {
    let region = ByteRegion(OwnedBytes(Self.values))
    #expect(try TensorHash.stored(region) == hash(Self.values))
    #expect(try TensorHash.canonical(tensor(), isZeroCentred: false) == hash(Self.values))
    let transposed = (0..<Self.values.count).map { (index: Int) -> Float in
      let (row, column) = (index / Self.columns, index % Self.columns)
      return Self.values[column * Self.rows + row]
    }
    #expect(
      try TensorHash.canonical(tensor(isTransposed: true), isZeroCentred: false)
        == hash(transposed))
    let vector = CanonicalTensor(shape: [Self.values.count], values: Self.values, origin: "v")
    #expect(
      try TensorHash.canonical(vector, isZeroCentred: true) == hash(Self.values.map { $0 + 1 }))
  }

  /// Two tensors with their rows in turns, written in windows and hashed on the way.
  @Test(arguments: [ByteSink.capacity, 4096, 20]) func partsAreHashedWhole(capacity: Int) throws {
    let (rows, columns) = (Self.rows, Self.columns)
    let other = Self.values.map { -$0 }
    let parts = (0..<2).map { index in
      BoundPart(
        role: Role("part\(index)"), shape: [rows, columns],
        view: StridedView(
          offset: index * columns, axes: [.init(rows, 2 * columns), .init(columns, 1)]))
    }
    let bound = BoundTensor(
      name: "w", pieces: ["w"], shape: [2 * rows, columns], parts: parts, storedType: .keep)
    let move = try TensorMove(
      bound, [tensor(), tensor(other)], cast: .keep, scaleName: nil, narrow: nil)
    let hashes = MoveHashes(CheckpointPlan.Tensor(move))
    let scratch = try TemporaryDirectory()
    var sink = try ByteSink(creating: scratch.path.appending("w"), capacity: capacity)
    #expect(try move.write(to: &sink).changed == 0)
    try sink.close()
    let bytes = try MappedFile.readAll(scratch.path.appending("w"), limit: 1 << 24)
    var expected: [Float] = []
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      expected += Self.values[range] + other[range]
    }
    #expect(TensorHash.text(bytes) == hash(expected))
    bytes.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: capacity) {
        hashes.add(.init(rebasing: bytes[start..<min(start + capacity, bytes.count)]))
      }
    }
    let written = hashes.finish(changed: 0).tensor
    #expect(written.hash == hash(expected))
    #expect(written.roles == ["part0": hash(Self.values), "part1": hash(other)])
  }

  @Test(arguments: [0, 1000, rows * columns - 1]) func everyValueIsSeen(place: Int) throws {
    var values = Self.values
    values[place] = .nan
    let stored = StoredTensor(
      name: "w", type: .f32, shape: [Self.rows, Self.columns],
      region: ByteRegion(OwnedBytes(values)), file: "f")
    let statistics = try #require(try TensorStatistics(stored))
    #expect(statistics.count == values.count && statistics.nans == 1)
    var others = Self.values
    others[place] += 3
    let difference = try ValueDifference(tensor(), tensor(others))
    #expect(difference.count == values.count && difference.changed == 1)
    #expect(difference.maxAbs == 3)
    #expect(try !ByteRegion(OwnedBytes(others)).holdsSameBytes(as: tensor().region))
  }

  /// A value that no BF16 holds is seen wherever it is, and the others are written as they are.
  @Test(arguments: [0, 5000, rows * columns - 1]) func everyValueIsCast(place: Int) throws {
    var values = Self.values.map { ($0 / 64).rounded() }
    values[place] = 1.00390625
    let bound = BoundTensor(carrying: "w", shape: [Self.rows, Self.columns])
    let move = try TensorMove(
      bound, [tensor(values)], cast: .everywhere(.bf16), scaleName: nil, narrow: nil)
    #expect(try move.changesValues())
    let scratch = try TemporaryDirectory()
    var sink = try ByteSink(creating: scratch.path.appending("w"))
    let hashes = MoveHashes(CheckpointPlan.Tensor(move))
    #expect(try move.write(to: &sink, onSource: hashes.addSource).changed == 1)
    try sink.close()
    #expect(hashes.finish(changed: 1).source?.hash == hash(values))
    let bytes = try MappedFile.readAll(scratch.path.appending("w"), limit: 1 << 24)
    let found = (0..<values.count).map { index in
      Float(bitPattern: UInt32(bytes[2 * index]) << 16 | UInt32(bytes[2 * index + 1]) << 24)
    }
    values[place] = 1
    #expect(zip(found, values).allSatisfy { $0 == $1 })
  }
}
