/// Where the logits of a model come from.
public enum LanguageHead: String, CaseIterable, Sendable {
  /// A head of its own.
  case own
  /// The embedding.
  case tied
  /// Nowhere: the model ends with its final norm.
  case none
}

/// The class of its library that a model was saved from, as far as that decides whether it has a head.
public enum ModelClass: String, CaseIterable, Sendable {
  /// One with a language head, which may be the embedding.
  case language
  /// The one that others are built around: no head is stored, so that there is one only where it is the
  /// embedding.
  case base
  /// One with another head, such as the score of a reward model: none for language, whatever is tied.
  case other
}

extension ModelConfiguration {
  /// Where the logits come from.
  public var head: LanguageHead {
    switch modelClass {
    case .language: isTied ? .tied : .own
    case .base: isTied ? .tied : .none
    case .other: .none
    }
  }

  /// The width of what the model computes at a position: a logit per token, or the final hidden state
  /// where there is no language head.
  public var outputWidth: Int { head == .none ? hidden : vocabulary }

  /// The configuration of the same model up to its final norm.
  public var withoutHead: ModelConfiguration {
    var configuration = self
    configuration.modelClass = .other
    return configuration
  }
}
