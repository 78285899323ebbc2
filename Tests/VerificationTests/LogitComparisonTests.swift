import Foundation
import Testing
import Verification

/// The metrics of a comparison, against plain formulas and at their edges.
@Suite struct LogitComparisonTests {
  private func comparison(_ pairs: [([Float], [Float])]) -> LogitComparison {
    pairs.reduce(into: LogitComparison()) { comparison, pair in
      pair.0.withUnsafeBufferPointer { a in
        pair.1.withUnsafeBufferPointer { b in comparison.add(a, reference: b) }
      }
    }
  }

  private func softmax(_ logits: [Float]) -> [Double] {
    let weights = logits.map { exp(Double($0)) }
    return weights.map { $0 / weights.reduce(0, +) }
  }

  @Test func plainFormulas() {
    let pairs: [([Float], [Float])] = [
      ([1, 2, 3.5], [1, 2, 3]), ([0, -1, 4], [0.5, -1, 4]), ([2, 1, 0], [1, 2, 0]),
    ]
    let found = comparison(pairs)
    let divergences = pairs.map { a, b in
      zip(softmax(b), softmax(a)).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
    }
    let all = pairs.flatMap { zip($0, $1).map { (Double($0), Double($1)) } }
    let mean = all.reduce(0) { $0 + $1.1 } / 9
    let variance = all.reduce(0) { $0 + pow($1.1 - mean, 2) } / 9
    let error = all.reduce(0) { $0 + pow($1.0 - $1.1, 2) } / 9
    #expect(found.positions == 3 && found.maxAbs == 1)
    #expect(abs(found.nmse - error / variance) < 1e-12)
    #expect(abs(found.meanKL - divergences.reduce(0, +) / 3) < 1e-12)
    #expect(abs(found.maxKL - (divergences.max() ?? 0)) < 1e-12)
    #expect(abs(found.top1Agreement - 2.0 / 3) < 1e-12)
    #expect(abs(found.deviation - variance.squareRoot()) < 1e-12)
  }

  @Test func hugeLogitsDoNotOverflow() {
    let found = comparison([([3e38, -3e38], [3e38, -3e38]), ([1000, 0], [999, 0])])
    #expect(found.maxKL < 1e-6 && found.maxAbs == 1 && found.nmse >= 0)
  }

  @Test(arguments: [Float.nan, -.nan, .infinity, -.infinity])
  func whatIsNoNumberPassesNoGate(_ value: Float) throws {
    let good: [Float] = [1, 2, 3]
    for pair in [([1, value, 3], good), (good, [1, value, 3]), ([1, value, 3], [1, value, 3])] {
      let found = comparison([(good, good), pair, (good, good)])
      for gate in ["f32", "bf16", "1e300"] {
        #expect(try !Gate(gate).passes(found), "\(gate) \(pair)")
      }
    }
  }

  @Test func equalLogitsPassEveryGate() throws {
    let found = comparison([([1, 2, 3], [1, 2, 3]), ([4, 4, 4], [4, 4, 4])])
    for gate in ["f32", "bf16", "0"] { #expect(try Gate(gate).passes(found)) }
  }

  @Test func constantReferencesDoNotHideErrors() throws {
    let found = comparison([([1, 1.1, 1], [1, 1, 1])])
    #expect(found.nmse == .infinity)
    #expect(try !Gate("f32").passes(found) && !Gate("bf16").passes(found))
  }

  @Test func limitsOfTheGates() throws {
    let near = comparison([([0, 1.000_1, -1], [0, 1, -1])])
    #expect(try Gate("bf16").passes(near) && Gate("1e-3").passes(near))
    #expect(try !Gate("0.00005").passes(near))
    let off = comparison([([0, 1.01, -1], [0, 1, -1])])
    #expect(try !Gate("f32").passes(off))
    for text in ["", "f64", "F32", "-0.1", "nan", "inf", "1e999", "0x", "1,0"] {
      #expect(throws: (any Error).self) { try Gate(text) }
    }
  }

  @Test func theFirstOfEqualLogitsIsTheLargest() {
    func argmax(_ values: [Float]) -> Int { values.withUnsafeBufferPointer(LogitComparison.argmax) }
    #expect(argmax([1, 3, 3, 2]) == 1 && argmax([-.infinity, -.infinity]) == 0)
    #expect(argmax([1, .nan, 5]) == 1 && argmax([7]) == 0)
  }
}
