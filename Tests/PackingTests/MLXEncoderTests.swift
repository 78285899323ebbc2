import Containers
import Digests
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Packing

/// What mx.quantize makes of values on a CPU comes out byte for byte.
struct MLXEncoderTests {
  /// A way to pack, a type, and the name of both in the files.
  struct Form: CustomTestStringConvertible, Sendable {
    let form: MLXForm
    let type: ScalarType
    var name: String {
      let mode =
        form.mode == .affine ? "affine\(form.bits).g\(form.group)" : form.mode.rawValue
      return "\(mode).\(type.rawValue.lowercased())"
    }
    var testDescription: String { name }

    static let all: [Form] = [ScalarType.f32, .bf16, .f16].flatMap { type in
      let affine = [2, 3, 4, 5, 6, 8].flatMap { bits in
        MLXForm.affineGroups.map { MLXForm(.affine, bits: bits, group: $0) }
      }
      return (affine + [MLXForm(.mxfp4), MLXForm(.mxfp8), MLXForm(.nvfp4)])
        .map { Form(form: $0, type: type) }
    }
  }

  /// Values with the hashes of what they become.
  struct Cases: Sendable {
    let shape: [Int]
    let values: [Float]
    let hashes: [String: String]

    /// That of the repository, and those that `GRAFT_QUANTISER_CASES` names, with colons between them.
    static let all: [Cases] = {
      let more = ProcessInfo.processInfo.environment["GRAFT_QUANTISER_CASES"] ?? ""
      let files =
        [Fixtures.path("packed/mlx-quantiser.safetensors")]
        + more.split(separator: ":").map { FilePath(String($0)) }
      return files.compactMap { try? Cases($0) }
    }()

    private init(_ path: FilePath) throws {
      let file = try SafetensorsFile(path)
      let tensor = try #require(file.tensors.first { $0.name == "x" })
      shape = tensor.shape
      values = try tensor.region.withBytes { Array($0.bindMemory(to: Float.self)) }
      hashes = Dictionary(file.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { a, _ in a })
    }

    /// The values as they were given to MLX.
    func values(for form: Form) -> [Float] {
      let isPower = form.form.mode == .mxfp4 || form.form.mode == .mxfp8
      return values.map { value in
        let kept = isPower && abs(value) < 0x1p-100 ? 0 : value
        return FloatBits.rounded(
          form.type == .f16 ? min(max(kept, -65504), 65504) : kept, to: form.type)
      }
    }
  }

  @Test(arguments: Form.all)
  func partsAreThoseOfMLX(form: Form) throws {
    try #require(!Cases.all.isEmpty)
    for cases in Cases.all {
      let values = cases.values(for: form)
      let encoder = MLXEncoder(form.form, shape: cases.shape, type: form.type)
      for (index, part) in encoder.parts.enumerated() {
        let bytes = encoder.packed(values, part: index)
        #expect(bytes.count == TensorShape.byteCount(part.shape, part.type))
        #expect(SHA256.text(of: bytes) == cases.hashes[form.name + part.ending], "\(part.ending)")
      }
    }
  }

  /// MLX lets the exponent of a scale below the least wrap around; the least is written instead.
  @Test(arguments: [MLXForm.Mode.mxfp4, .mxfp8])
  func smallestScaleIsTheLeast(mode: MLXForm.Mode) {
    let values = [Float](repeating: 0x1p-140, count: 32)
    let encoder = MLXEncoder(MLXForm(mode), shape: [1, 32], type: .f32)
    #expect(encoder.packed(values, part: 1) == [0])
  }

  @Test(arguments: Form.all.filter { $0.type == .bf16 })
  func errorIsThatOfTheValuesReadBack(form: Form) throws {
    let cases = try #require(Cases.all.first)
    let count = 16 * 256
    let values = Array(cases.values(for: form).prefix(count))
    let encoder = MLXEncoder(form.form, shape: [16, 256], type: form.type)
    let parts = encoder.parts.indices.map { index in
      let part = encoder.parts[index]
      return PackedPart(
        name: "m" + part.ending, type: part.type, shape: part.shape,
        region: ByteRegion(OwnedBytes(encoder.packed(values, part: index))))
    }
    let packing = try MLXPacking(claim: .object(form.form.claim))
    let weight = try #require(
      try packing.weight(of: "m", anchor: ".scales") { end in
        parts.first { $0.name == "m" + end }
      })
    let back = try weight.values()
    var expected = RoundingError()
    for (value, back) in zip(values, back) { expected.add(value, roundedTo: back) }
    let found = encoder.error(values)
    #expect(abs(found.energy - expected.energy) <= 1e-6 * expected.energy)
    #expect(abs(found.error - expected.error) <= 1e-6 * expected.error)
    #expect(weight.scheme == encoder.scheme)
  }
}

extension WeightEncoder {
  /// A part of some values.
  func packed(_ values: [Float], part: Int) -> [UInt8] {
    let unit = parts[part].unit
    return [UInt8](unsafeUninitializedCapacity: values.count / unit.values * unit.bytes) {
      if let place = $0.baseAddress {
        _ = encode(0..<values.count, values, part: part, to: UnsafeMutableRawPointer(place))
      }
      $1 = values.count / unit.values * unit.bytes
    }
  }

  /// What rounding does to some values.
  func error(_ values: [Float]) -> RoundingError {
    withUnsafeTemporaryAllocation(byteCount: values.count * 4, alignment: 4) { place in
      place.baseAddress.map { encode(0..<values.count, values, part: 0, to: $0) } ?? .init()
    }
  }
}
