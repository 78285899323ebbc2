import Containers
import Diagnostics

/// What a readable checkpoint is if it is no language model, such as an adapter or an image model, judged
/// by tensor names and file metadata.
enum CheckpointNature: String {
  case adapter = "an adapter (LoRA or the like) without its base model"
  case unmergedAdapter = "a model with an adapter (LoRA or the like) that is not merged into it"
  case projector = "a projector of images or sound (mmproj)"
  case importanceMatrix = "an importance matrix (imatrix)"
  case controlVector = "a control vector"
  case vocabulary = "a vocabulary alone"
  case reference = "a file of recorded logits"
  case tokens = "a file of tokens"
  case rankShard = "the part of a distributed checkpoint that one rank wrote"

  init?(_ checkpoint: StoredCheckpoint) {
    let names = checkpoint.tensors.map(\.name)
    guard
      let nature = Self.said(by: checkpoint) ?? Self.named(names)
        ?? (checkpoint.isRankShard ? .rankShard : nil)
    else { return nil }
    self = nature
  }

  /// The kind of checkpoint that the metadata of a GGUF file show.
  private static func said(by checkpoint: StoredCheckpoint) -> CheckpointNature? {
    guard checkpoint.container.hasMetadata else { return nil }
    let architecture = checkpoint.config?["general.architecture"]?.string
    switch checkpoint.config?["general.type"]?.string {
    case "adapter": return .adapter
    case "mmproj": return .projector
    case "imatrix": return .importanceMatrix
    default: break
    }
    switch architecture {
    case "clip": return .projector
    case "controlvector": return .controlVector
    default: return checkpoint.tensors.isEmpty && architecture != nil ? .vocabulary : nil
    }
  }

  /// The kind of checkpoint that tensor names show.
  private static func named(_ names: [String]) -> CheckpointNature? {
    guard !names.isEmpty else { return nil }
    let marks = [
      ".lora_", "lora_magnitude", ".hada_w", ".lokr_w", ".ia3_", ".oft_", "prompt_embeddings",
    ]
    let adapted = names.filter { name in marks.contains { name.contains($0) } }
    if !adapted.isEmpty {
      let isWhole = names.contains { $0.contains(".base_layer.") || $0.contains("embed_tokens") }
      return isWhole && adapted.count < names.count ? .unmergedAdapter : .adapter
    }
    if names.contains("input_ids") {
      let recorded = ["logits", "last_hidden_state", "hidden.0"]
      return recorded.contains(where: names.contains) ? .reference : .tokens
    }
    if names.allSatisfy({ $0.hasSuffix(".in_sum2") || $0.hasSuffix(".counts") }) {
      return .importanceMatrix
    }
    return names.allSatisfy { $0.hasPrefix("direction.") } ? .controlVector : nil
  }

  private var remedy: String {
    switch self {
    case .adapter: "merge it into its base: graft convert BASE OUT --adapter THIS"
    case .unmergedAdapter:
      "merge it into its base model with the tool that trained it, and give the merged model"
    case .projector: "give the file of the text model, which lies beside it"
    case .importanceMatrix: "give the model that it was made for"
    case .controlVector: "give the model that it steers"
    case .vocabulary: "give the file with the weights"
    case .reference: "give it to graft verify as --reference FILE"
    case .tokens: "give it as --tokens FILE"
    case .rankShard: RankShards.consolidating
    }
  }

  var problem: Problem {
    Problem(
      .unsupported, "this is no language model but \(rawValue)",
      expected: "the weights of a whole model", remedy: remedy)
  }
}

extension StoredCheckpoint {
  /// Whether the metadata of the file say that it holds only parts of tensors.
  fileprivate var isRankShard: Bool {
    shards.contains { $0.content.metadata.contains { $0.key == RankShards.metadataKey } }
  }
}
