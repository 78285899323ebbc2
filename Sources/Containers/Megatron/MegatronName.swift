/// What the names of Megatron say of values that are no weights.
enum MegatronName {
  /// What a value belongs to that is no weight of the model; nil for a weight.
  ///
  /// The optimizer repeats the names of the model behind its own, so that only the beginning tells.
  static func group(_ name: String) -> String? {
    if name.contains("._extra_state") { return "extra state" }
    if name.prefixMatch(of: #/(chained_\d+\.)?optimizer\./#) != nil { return "optimizer" }
    return ["rng_state", "rerun_state_machine_state", "common_state"].first {
      name == $0 || name.hasPrefix($0 + "/") || name.hasPrefix($0 + ".")
    }
  }

  /// Whether names are those of a model of Megatron, whatever the run put before them.
  static func areOfModel(_ names: [String]) -> Bool {
    names.contains { $0.contains("embedding.word_embeddings.weight") }
      && names.contains { $0.contains("decoder.layers.") }
  }
}
