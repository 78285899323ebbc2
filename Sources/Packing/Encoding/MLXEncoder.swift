import Tensors

/// Packs a weight as MLX does on a CPU, bit for bit.
public struct MLXEncoder: WeightEncoder {
  /// How the values are packed.
  public let scheme: PackingScheme
  /// The stored tensors, the codes first.
  public let parts: [EncodedPart]
  private let form: MLXForm
  private let type: ScalarType

  private enum Place: Int { case codes, scales, biases }

  /// - Parameters:
  ///   - shape: that of the weight.
  ///   - type: that of the weight before it is packed, and of its scales where they are no bytes.
  /// - Precondition: groups divide the rows, and the type is F32, BF16 or F16.
  public init(_ form: MLXForm, shape: [Int], type: ScalarType) {
    (self.form, self.type) = (form, type)
    scheme = form.scheme
    let (outer, columns) = (Array(shape.dropLast()), shape.last ?? 0)
    let scales = form.mode == .affine ? type : .u8
    let groups = outer + [columns / form.group]
    func part(_ ending: String, _ type: ScalarType, _ shape: [Int], _ bytes: Int) -> EncodedPart {
      EncodedPart(
        ending: ending, type: type, shape: shape, unit: .init(values: form.group, bytes: bytes))
    }
    let width = scales.unit.bytes
    parts =
      [
        part(".weight", .u32, outer + [columns * form.bits / 32], form.group * form.bits / 8),
        part(".scales", scales, groups, width),
      ] + (form.mode == .affine ? [part(".biases", scales, groups, width)] : [])
  }

  /// Rounds a run of values into a part.
  public func encode(
    _ run: Range<Int>, _ values: UnsafePointer<Float>, part: Int, to place: UnsafeMutableRawPointer
  ) -> RoundingError {
    guard let part = Place(rawValue: part) else { return RoundingError() }
    let size = parts[part.rawValue].unit.bytes
    var error = RoundingError()
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: form.group) { codes in
      guard let codes = codes.baseAddress else { return }
      for group in 0..<run.count / form.group {
        let (values, place) = (values + group * form.group, place + group * size)
        error +=
          form.mode == .affine
          ? affine(values, part, codes, place) : floats(values, part, codes, place)
      }
    }
    return error
  }

  private func affine(
    _ values: UnsafePointer<Float>, _ part: Place, _ codes: UnsafeMutablePointer<UInt8>,
    _ place: UnsafeMutableRawPointer
  ) -> RoundingError {
    let highest = Float(1 << form.bits - 1)
    let group = AffineGroup(values, count: form.group, highest: highest)
    switch part {
    case .scales: FloatBits.store(group.scale, to: place, type)
    case .biases: FloatBits.store(group.bias, to: place, type)
    case .codes:
      let error = group.codes(
        of: values, count: form.group, highest: highest, stored: group.rounded(to: type), to: codes)
      BitStream.pack(codes, count: form.group, width: form.bits, to: place)
      return error
    }
    return RoundingError()
  }

  private func floats(
    _ values: UnsafePointer<Float>, _ part: Place, _ codes: UnsafeMutablePointer<UInt8>,
    _ place: UnsafeMutableRawPointer
  ) -> RoundingError {
    let group = FloatGroup(values, count: form.group, form.mode, of: type)
    guard part == .codes else {
      place.storeBytes(of: group.bits, as: UInt8.self)
      return RoundingError()
    }
    let error =
      form.mode == .mxfp8
      ? group.codes8(of: values, count: form.group, to: codes)
      : group.codes4(of: values, count: form.group, to: codes)
    BitStream.pack(codes, count: form.group, width: form.bits, to: place)
    return error
  }
}
