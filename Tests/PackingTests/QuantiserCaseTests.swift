import Containers
import GraftTestSupport
import Packing
import Tensors
import Testing

/// Rows with edges come out as the original quantisers of ggml and of mlx on a CPU make them.
struct QuantiserCaseTests {
  private static let file = try? SafetensorsFile(
    Fixtures.path("packed/quantiser-cases.safetensors"))

  private static func bytes(_ name: String) throws -> [UInt8] {
    let tensor = try #require(file?.tensors.first { $0.name == name })
    return try tensor.region.withBytes { Array($0) }
  }

  private static func values(_ type: ScalarType) throws -> (values: [Float], shape: [Int]) {
    let name = "x_\(type.rawValue.lowercased())"
    let tensor = try #require(file?.tensors.first { $0.name == name })
    return (
      try BlockValueTests.values(tensor.region, 0..<tensor.elementCount, type), tensor.shape
    )
  }

  @Test(arguments: BlockEncoderTests.types, [ScalarType.f32, .bf16])
  func blocksAreThoseOfGGML(_ type: ScalarType, from source: ScalarType) throws {
    let (values, _) = try Self.values(source)
    let wanted = try Self.bytes("ggml.\(type.rawValue).\(source.rawValue.lowercased())")
    let found = OwnedBytes(count: wanted.count)
    let place = try #require(found.mutableBytes.baseAddress)
    let blocks = values.count / type.unit.elements
    #expect(wanted.count == blocks * type.unit.bytes)
    _ = StoredValues.store(values, blocks: blocks, to: place, type)
    #expect(found.bytes.elementsEqual(wanted))
  }

  @Test(arguments: MLXEncoderTests.Form.all.filter { $0.type != .f16 })
  func partsAreThoseOfMLX(_ form: MLXEncoderTests.Form) throws {
    let (values, shape) = try Self.values(form.type)
    let encoder = MLXEncoder(form.form, shape: shape, type: form.type)
    // Groups of 128 are in the file for four bits alone, and float modes have no group in their names.
    let mode =
      form.form.mode == .affine
      ? "affine\(form.form.bits).g\(form.form.group)" : form.form.mode.rawValue
    let name = "mlx.\(mode).\(form.type.rawValue.lowercased())"
    guard Self.file?.tensors.contains(where: { $0.name == name + ".weight" }) == true else {
      #expect(form.form.group == 128 && form.form.bits != 4)
      return
    }
    for (index, part) in encoder.parts.enumerated() {
      #expect(try encoder.packed(values, part: index) == Self.bytes(name + part.ending))
    }
  }
}
