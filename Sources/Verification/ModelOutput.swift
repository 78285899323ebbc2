import Canonical

/// Which output behind the layers is compared, by its name in a reference file.
public enum ModelOutput: String, Sendable {
  /// The logits of the language head.
  case logits
  /// What the final norm makes of the last residual stream, of models that have no language head.
  case finalStates = "last_hidden_state"

  /// What a model ends with.
  init(of configuration: ModelConfiguration) {
    self = configuration.head == .none ? .finalStates : .logits
  }
}
