import Kernels
import Runtime
import Testing
import Threads

@testable import Calibration

@Suite struct ProductTests {
  /// Sizes around those of tasks, of blocks of the depth, of panels and of vectors.
  @Test(arguments: [
    (rows: 1, depth: 1, columns: 1), (rows: 13, depth: 257, columns: 128),
    (rows: 50, depth: 300, columns: 165), (rows: 5, depth: 512, columns: 290),
  ])
  func productsAreThoseOfPlainArithmetic(rows: Int, depth: Int, columns: Int) throws {
    let (a, b) = (try Self.values(rows * depth, 3), try Self.values(depth * columns, 5))
    let shape = ProductShape(rows: rows, depth: depth, columns: columns)
    let results = try [1, 3].map { threads in
      let c = try FloatBuffer(Array(repeating: Float.nan, count: rows * columns))
      ThreadPool(threads: threads).multiply(a.pointer, b.pointer, to: c.pointer, shape)
      return Array(UnsafeBufferPointer(start: c.pointer, count: c.count))
    }
    #expect(results[0] == results[1])
    for row in 0..<rows {
      for column in 0..<columns {
        let expected = (0..<depth).reduce(0.0) { sum, k in
          sum + Double(a.pointer[row * depth + k]) * Double(b.pointer[k * columns + column])
        }
        #expect(abs(Double(results[0][row * columns + column]) - expected) < 1e-4)
      }
    }
  }

  @Test(arguments: [(rows: 1, columns: 7), (rows: 64, columns: 48), (rows: 131, columns: 33)])
  func transposingExchangesRowsAndColumns(rows: Int, columns: Int) throws {
    let (a, b) = (try Self.values(rows * columns, 1), try FloatBuffer(rows * columns))
    ThreadPool(threads: 2).transpose(a.pointer, rows: rows, columns: columns, to: b.pointer)
    for row in 0..<rows {
      for column in 0..<columns {
        #expect(b.pointer[column * rows + row] == a.pointer[row * columns + column])
      }
    }
  }

  /// Values between -1 and 1.
  private static func values(_ count: Int, _ seed: Int) throws -> FloatBuffer {
    try FloatBuffer((0..<count).map { Float(($0 &* 7_919 &+ seed) % 1_009) / 504.5 - 1 })
  }
}
