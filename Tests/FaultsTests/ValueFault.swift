import Foundation
import GraftTestSupport
import Tensors

/// What can happen to the values of one tensor.
enum ValueFault {
  static func apply(_ name: String, to values: inout [Float], seed: UInt64) throws {
    switch name {
    case "plus1": values = values.map { $0 + 1 }
    case "minus1": values = values.map { $0 - 1 }
    case "zero": values = values.map { _ in 0 }
    case "one": values = values.map { _ in 1 }
    case "scaled": values = values.map { $0 * 1.02 }
    case "truncated":
      values = values.map { Float(bitPattern: $0.bitPattern & 0xffff_0000) }
    case "invert": values = values.map { 1 / $0 }
    case "negate": values = values.map { -$0 }
    case "negexp": values = values.map { -exp($0) }
    case "logneg": values = values.map { log(-$0) }
    case "bf16": values = values.map { FloatBits.float(bf16: FloatBits.bf16($0)) }
    case "element": values[values.count / 3] *= 1.0001
    case "nudge": values[0] += 0.001
    case "scaled3": values = values.map { $0 * 1.03 }
    case "plus05": values = values.map { $0 + 0.05 }
    case "int8":
      let step = (values.map(\.magnitude).max() ?? 0) / 127
      values = values.map { ($0 / step).rounded() * step }
    case "draw": draw(&values, seed)
    case "nan": values[0] = .nan
    case "first-zero": values[0] = 0
    case "inf": values[values.count / 2] = .infinity
    case "exponent":
      values[5] = Float(bitPattern: values[5].bitPattern ^ 0x4000_0000)
    case "sign": negateLargest(&values)
    default: throw CocoaError(.featureUnsupported)
    }
  }

  /// Values as trainers draw A_log and dt_bias, in random order.
  private static func draw(_ values: inout [Float], _ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let isNegative = values.allSatisfy { $0 < 0 }
    values = values.map { _ in
      let rate = (generator.float() + 1) * 7.5 + 0.5
      return isNegative ? -rate : log(rate)
    }
  }

  private static func negateLargest(_ values: inout [Float]) {
    guard let place = values.indices.max(by: { values[$0].magnitude < values[$1].magnitude }) else {
      return
    }
    values[place].negate()
  }
}
