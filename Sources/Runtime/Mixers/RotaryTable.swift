import Canonical
import Kernels
import Platform

/// The frequencies of RoPE, stretched where the model says so.
///
/// Maths letters as in lm-engine's `rope.py`: d the rotated dims, θ the base, L the positions the
/// model was first trained for.
struct RotaryTable: Sendable {
  /// `[d / 2]`, in radians per position.
  let frequencies: [Float]
  /// What cosines and sines are multiplied with.
  let magnitude: Float
  /// Whether the first dims of a head turn, or the last.
  let side: ModelConfiguration.RopeSide
  /// The number of pairs of the tables before this one.
  let place: Int

  /// The number of pairs, d / 2; an odd d turns one dim more, as in lm-engine.
  var half: Int { frequencies.count }

  /// What frequencies of layers of one model can differ in.
  struct Kind: Hashable {
    let d: Int
    let θ: Double
  }

  /// The tables of a model by their kind; none where it does not rotate.
  static func tables(_ configuration: ModelConfiguration) -> [Kind: RotaryTable] {
    var tables: [Kind: RotaryTable] = [:]
    var place = 0
    for layer in configuration.layers {
      guard let kind = kind(of: layer, in: configuration), tables[kind] == nil else { continue }
      tables[kind] = RotaryTable(configuration, kind, place: place)
      place += (kind.d + 1) / 2
    }
    return tables
  }

  /// The kind of table that a layer needs; nil where it does not rotate.
  static func kind(of layer: LayerConfiguration, in model: ModelConfiguration) -> Kind? {
    guard let rotation = model.rotation(of: layer), rotation.dims > 0 else { return nil }
    return Kind(d: rotation.dims, θ: rotation.base)
  }

  /// The table of a kind.
  init(_ configuration: ModelConfiguration, _ kind: Kind, place: Int = 0) {
    self.place = place
    let (d, θ) = (kind.d, kind.θ)
    side = configuration.ropeSide
    let plain = (0..<(d + 1) / 2).map { pow(θ, -2 * Double($0) / Double(d)) }
    let scaling = configuration.ropeScaling
    magnitude = Float(scaling.magnitude)
    frequencies =
      switch scaling.kind {
      case .none: plain.map { Float($0) }
      case .linear: plain.map { Float($0 / scaling.factor) }
      case .yarn:
        zip(plain, Self.ramp(scaling, d: d, θ: θ)).map { frequency, ramp in
          Float((1 - ramp) * frequency + ramp * frequency / scaling.factor)
        }
      }
  }

  /// How far each frequency is interpolated, from 0 (fast ones) to 1 (slow ones).
  private static func ramp(_ scaling: RopeScaling, d: Int, θ: Double) -> [Double] {
    let L = Double(scaling.originalPositions)
    func correction(_ rotations: Double, _ rounding: FloatingPointRoundingRule) -> Double {
      let pair = Double(d) * log(L / (rotations * 2 * Double.pi)) / (2 * log(θ))
      return scaling.isTruncated ? pair.rounded(rounding) : pair
    }
    let low = max(correction(scaling.betaFast, .down), 0)
    var high = min(correction(scaling.betaSlow, .up), Double(d - 1))
    if low == high { high += 0.001 }
    return (0..<(d + 1) / 2).map { min(max((Double($0) - low) / (high - low), 0), 1) }
  }

  /// Turns the dims from a place on, `[2 · half]`, as the position of a row of a segment asks.
  func turn(_ x: UnsafeMutablePointer<Float>, row: Int, of segment: Segment) {
    let place = self.place * segment.count + row * half
    kernels.rotary.rotate(
      x, cosines: segment.cosines + place, sines: segment.sines + place, half: half)
  }

  /// Writes the cosines and sines of one sequence in a segment, `[segment, d / 2]` each.
  ///
  /// Angles are F32 products, as in torch.
  ///
  /// They stand behind those of the tables before this one.
  /// - Parameters:
  ///   - positions: those of the sequence.
  ///   - row: where the sequence begins in the segment.
  ///   - count: the tokens of the segment.
  func fill(
    positions: Range<Int>, from row: Int, of count: Int, cosines: UnsafeMutablePointer<Float>,
    sines: UnsafeMutablePointer<Float>
  ) {
    let first = place * count + row * half
    let (cosines, sines) = (cosines + first, sines + first)
    for (row, position) in positions.enumerated() {
      fill(position: position, cosines: cosines + row * half, sines: sines + row * half)
    }
  }

  /// Writes the cosines and sines of one position, `[d / 2]` each.
  func fill(
    position: Int, cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<half {
      let angle = Double(Float(position) * frequencies[index])
      cosines[index] = Float(cos(angle)) * magnitude
      sines[index] = Float(sin(angle)) * magnitude
    }
  }
}
