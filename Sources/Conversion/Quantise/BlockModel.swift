import Layouts
import Packing
import Tensors

/// What llama-quantize knows of a tensor.
struct BlockTensor {
  /// The parts of a model that are told apart.
  enum Part {
    case head, embedding, values, keys, attentionOutput, down, other
  }

  let part: Part
  /// The layer; -1 outside of layers.
  let layer: Int
  /// The values of a row.
  let row: Int
  /// Whether it holds the matrices of several experts.
  let isStack: Bool

  init(_ tensor: BoundTensor) {
    part = Self.part(tensor.name)
    layer = Self.layer(tensor.name)
    row = tensor.shape.last ?? 1
    isStack = tensor.shape.dropLast(2).contains { $0 > 1 }
  }

  private static let parts: [(words: String, part: Part)] = [
    ("attn_qkv.weight", .values), ("attn_v.weight", .values), ("attn_k.weight", .keys),
    ("attn_output.weight", .attentionOutput), ("ffn_down", .down),
  ]

  private static func part(_ name: String) -> Part {
    switch name {
    case "output.weight": .head
    case "token_embd.weight": .embedding
    default: parts.first { name.contains($0.words) }?.part ?? .other
    }
  }

  /// The number in `blk.N.`.
  static func layer(_ name: String) -> Int {
    guard name.hasPrefix("blk.") else { return -1 }
    return Int(name.dropFirst(4).prefix { $0.isNumber }) ?? -1
  }
}

/// What decides the types of the tensors of a model.
struct BlockModel {
  /// The layers, those of multi-token prediction among them.
  let layers: Int
  /// How many layers come before one that has values of attention and have them, too.
  let valueRank: [Int: Int]
  /// The experts of a layer; 0 where there are none.
  let experts: Int
  /// How many heads of queries share one of keys.
  let sharing: Int
  /// Whether the embedding is the head as well.
  let isTied: Bool

  init(_ tensors: [BoundTensor]) {
    layers = (tensors.map { BlockTensor.layer($0.name) }.max() ?? -1) + 1
    let values = Set(
      tensors.map(BlockTensor.init).filter { $0.part == .values }.map(\.layer)
    ).sorted()
    valueRank = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, $0) })
    isTied = !tensors.contains { $0.name == "output.weight" }
    experts = Self.shape("ffn_down_exps.weight", in: tensors).first ?? 0
    let kept = Self.shape("attn_v.weight", in: tensors).first ?? 0
    sharing = kept > 0 ? (Self.shape("attn_output.weight", in: tensors).last ?? 0) / kept : 0
  }

  private static func shape(_ name: String, in tensors: [BoundTensor]) -> [Int] {
    tensors.first { $0.name.hasSuffix(name) }?.shape ?? []
  }
}

extension ScalarType {
  /// The type itself, or the one that takes its place in llama.cpp where rows do not fill its blocks.
  func fitting(row: Int) -> ScalarType {
    guard row % unit.elements != 0 else { return self }
    let smaller: ScalarType =
      switch self {
      case .q4K: .q5Zero
      case .q5K: .q5One
      case .q6K: .q8Zero
      default: self
      }
    return row % smaller.unit.elements == 0 ? smaller : .f16
  }
}

extension QuantisationKind {
  /// The types of blocks that are written.
  public static var blockTypes: [ScalarType] {
    ScalarType.allCases.filter { $0.isBlock && StoredValues.canStore($0) }
  }

  /// Whether some of its types weigh errors by importances.
  var weighs: Bool { blocks.map(StoredValues.weighs) ?? false }

  /// The type of most tensors of a file of llama.cpp; nil for the kinds of other libraries.
  var blocks: ScalarType? {
    switch self {
    case .q8Zero: .q8Zero
    case .q6K: .q6K
    case .q5KM: .q5K
    case .q4KM: .q4K
    case .iq4NL: .iq4NL
    case .mxfp4: .mxfp4
    default: nil
    }
  }

  /// What `general.file_type` says of such a file (`enum llama_ftype`).
  var fileType: UInt32? {
    switch self {
    case .q8Zero: 7
    case .q4KM: 15
    case .q5KM: 17
    case .q6K: 18
    case .iq4NL: 25
    case .mxfp4: 38
    default: nil
    }
  }
}
