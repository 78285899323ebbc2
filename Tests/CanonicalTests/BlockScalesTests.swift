import GraftTestSupport
import Tensors
import Testing

@testable import Canonical

/// Values of quantised tensors against a loop over elements.
struct BlockScalesTests {
  private let patterns: [UInt8] = (0..<255).filter { $0 & 0x7f != 0x7f }

  @Test(arguments: [
    (shape: [7, 5], block: (3, 2)), (shape: [192, 3], block: (128, 128)),
    (shape: [2, 5, 4], block: (2, 3)), (shape: [4, 4], block: (4, 4)),
    (shape: [1, 9], block: (1, 4)),
  ])
  func everyElementHasTheScaleOfItsBlock(shape: [Int], block: (Int, Int)) throws {
    let size = BlockSize(rows: block.0, columns: block.1)
    let grid = size.grid(of: shape)
    let count = shape.reduce(1, *)
    let stored = (0..<count).map { patterns[$0 * 37 % patterns.count] }
    let scales = (0..<grid.reduce(1, *)).map { Float($0) * 0.37 + 0.11 }
    let tensor = tensor(shape, stored, OwnedBytes(scales), .f32, size)
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let gridColumns = grid[grid.count - 1]
    let gridRows = grid[grid.count - 2]
    let expected = (0..<count).map { index in
      let (row, column) = (index / columns % rows, index % columns)
      let line = index / columns / rows * gridRows + row / block.0
      return FloatBits.float(f8E4M3: stored[index]) * scales[line * gridColumns + column / block.1]
    }
    #expect(try tensor.floats() == expected)
    #expect(tensor.isComputable)
  }

  @Test(arguments: [ScalarType.u8, .f8E8M0])
  func bytesArePowersOfTwo(type: ScalarType) throws {
    let bytes = OwnedBytes(count: 2)
    bytes.mutableBytes.copyBytes(from: [124, 130] as [UInt8])
    let tensor = tensor(
      [1, 4], [0x38, 0x40, 0x38, 0xb8], bytes, type, BlockSize(rows: 1, columns: 2))
    #expect(try tensor.floats() == [0.125, 0.25, 8, -8])
  }

  private func tensor(
    _ shape: [Int], _ stored: [UInt8], _ scales: OwnedBytes, _ type: ScalarType, _ size: BlockSize
  ) -> CanonicalTensor {
    let bytes = OwnedBytes(count: stored.count)
    bytes.mutableBytes.copyBytes(from: stored)
    return CanonicalTensor(
      shape: shape, type: .f8E4M3, region: ByteRegion(bytes), view: StridedView(contiguous: shape),
      scales: BlockScales(
        region: ByteRegion(scales), type: type, size: size, isPerTensor: false, shape: shape,
        origin: "scales"),
      origin: "weights")
  }
}
