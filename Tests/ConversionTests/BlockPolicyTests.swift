import Diagnostics
import GraftTestSupport
import JSON
import Layouts
import Tensors
import Testing

@testable import Conversion

/// Tensors get the types that llama-quantize gives them.
struct BlockPolicyTests {
  /// The tensors of a model of which only proportions matter.
  private static func tensors(_ names: [String], sharing: Int, experts: Int) -> [BoundTensor] {
    names.map { name in
      let matrix = name.hasSuffix("attn_v.weight") ? [256, 256] : [512, 256 * max(sharing, 1)]
      return BoundTensor(
        carrying: name, shape: name.contains("_exps.") ? [experts] + matrix : matrix)
    }
  }

  private static func types(_ kind: QuantisationKind, _ tensors: [BoundTensor]) throws -> [String:
    ScalarType]
  {
    let policy = try #require(BlockPolicy(kind))
    return policy.forms(of: tensors).compactMapValues { form in
      if case .blocks(let type) = form { type } else { nil }
    }
  }

  @Test(arguments: ["dense", "dense, tied", "experts", "eight experts"])
  func typesAreThoseOfLlamaQuantize(model: String) throws {
    let text = try Fixtures.bytes("gguf/llama-quantize.json")
    let json = try #require(JSONValue(parsing: Array(text))[model])
    let names = (json["tensors"]?.array ?? []).compactMap(\.string)
    let tensors = Self.tensors(
      names, sharing: json["sharing"]?.int ?? 0, experts: json["experts"]?.int ?? 0)
    for (word, others) in json["types"]?.object?.entries ?? [] {
      let kind = try #require(QuantisationKind(name: word))
      let found = try Self.types(kind, tensors)
      #expect(found.count == names.count)
      for name in names {
        let expected = others[name]?.string ?? kind.blocks?.rawValue
        #expect(found[name]?.rawValue == expected, "\(word) \(name)")
      }
    }
  }

  /// Where rows do not fill blocks of 256.
  @Test(arguments: [
    (QuantisationKind.q4KM, 96, ScalarType.q5Zero), (.q5KM, 96, .q5One), (.q6K, 96, .q8Zero),
    (.q4KM, 100, .f16), (.q8Zero, 100, .f16), (.iq4NL, 100, .f16),
  ])
  func otherTypesTakeTheirPlace(kind: QuantisationKind, row: Int, type: ScalarType) throws {
    let tensors = [
      BoundTensor(carrying: "output.weight", shape: [64, row]),
      BoundTensor(carrying: "blk.0.ffn_up.weight", shape: [64, row]),
    ]
    let found = try Self.types(kind, tensors)
    #expect(found["blk.0.ffn_up.weight"] == type)
    #expect(found["output.weight"] == (row == 100 ? .f16 : .q8Zero))
  }

  @Test func expertsAloneAreMXFP4() throws {
    let found = try Self.types(
      .mxfp4,
      [
        BoundTensor(carrying: "blk.0.ffn_up_exps.weight", shape: [4, 64, 64]),
        BoundTensor(carrying: "blk.0.ffn_up_shexp.weight", shape: [64, 64]),
        BoundTensor(carrying: "output.weight", shape: [64, 64]),
      ])
    #expect(
      found == [
        "blk.0.ffn_up_exps.weight": .mxfp4, "blk.0.ffn_up_shexp.weight": .q8Zero,
        "output.weight": .q8Zero,
      ])
  }

  @Test(arguments: [
    ("blk.0.attn_norm.weight", [64]), ("blk.0.ffn_gate_inp.weight", [4, 64]),
    ("blk.0.ssm_conv1d.weight", [64, 4]), ("blk.0.ssm_alpha.weight", [1, 64]),
    ("blk.0.ssm_a", [4]), ("v.blk.0.attn_out.weight", [64, 64]),
  ])
  func someTensorsStay(name: String, shape: [Int]) throws {
    #expect(try Self.types(.q4KM, [BoundTensor(carrying: name, shape: shape)]).isEmpty)
  }
}
