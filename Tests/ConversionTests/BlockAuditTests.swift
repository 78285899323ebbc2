import Containers
import Tensors
import Testing

@testable import Comparison

/// The audit sees in blocks of quantised values what it sees in plain ones.
struct BlockAuditTests {
  /// Eight rows of three blocks of Q8_0, all scales a half, the codes 1 to 32.
  private var sound: [UInt8] {
    (0..<24).flatMap { _ in [0, 0x38] + (1...32).map { UInt8($0) } }
  }

  /// What an audit says after the scales of some blocks, or all of their bytes, were set.
  private func findings(
    _ start: [UInt8], in blocks: Range<Int>, mayEndInZeros: Bool = false
  ) throws -> [String] {
    var bytes = sound
    for block in blocks {
      bytes.replaceSubrange(block * 34..<block * 34 + start.count, with: start)
    }
    let tensor = StoredTensor(
      name: "w", type: .q8Zero, shape: [8, 96], region: ByteRegion(OwnedBytes(bytes)), file: "f")
    let statistics = try #require(try TensorStatistics(tensor))
    return TensorAudit(statistics, tensor, mayEndInZeros: mayEndInZeros).findings.map {
      "\($0.severity.rawValue) \($0.kind): \($0.text)"
    }
  }

  private let zero: [UInt8] = [0, 0]

  @Test func soundBlocksHaveNoFindings() throws {
    #expect(try findings([0, 0x38], in: 0..<1) == [])
  }

  @Test func scalesThatAreNoNumbersAreSeen() throws {
    #expect(try findings([1, 0x7e], in: 4..<5) == ["error nan: 32 of 768 are NaN"])
    #expect(try findings([0, 0x7c], in: 4..<5) == ["error infinite: 32 of 768 are infinite"])
  }

  @Test func blocksWithoutAScaleAreSeen() throws {
    let text = "of 24 blocks have a scale of zero beside their codes"
    #expect(try findings(zero, in: 4..<5) == ["error scale: 1 \(text)"])
    #expect(try findings(zero, in: 3..<6) == ["error scale: 3 \(text)"])
    #expect(try findings(zero, in: 3..<6, mayEndInZeros: true) == ["warning scale: 3 \(text)"])
  }

  /// Weights that are zero have a scale of zero, and codes that are all the same.
  @Test func blocksOfZerosMayBeMeant() throws {
    let block = zero + [UInt8](repeating: 0, count: 32)
    #expect(try findings(block, in: 4..<5) == [])
  }

  @Test func aScaleFarAboveTheOthersIsSeen() throws {
    let large: [UInt8] = [0, 0x78]
    #expect(
      try findings(large, in: 4..<5)
        == ["error outlier: a value of magnitude 1048576.0, 65536 times the others"])
  }
}
