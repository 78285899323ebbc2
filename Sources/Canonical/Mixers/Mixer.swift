/// The token mixer of a layer.
public enum Mixer: Hashable, Sendable {
  case attention(Attention)
  case gatedDeltaNet(GatedDeltaNet)
  case m2rnn(M2RNN)
  /// A mixer Graft carries through by name but does not compute, such as `mamba2`.
  case carried(String)

  /// The kind as layout files and reports write it.
  public var kind: String {
    switch self {
    case .attention: "attention"
    case .gatedDeltaNet: "gdn"
    case .m2rnn: "m2rnn"
    case .carried(let kind): kind
    }
  }

  /// The one-letter mark of the layer map.
  public var mark: String {
    switch self {
    case .attention: "A"
    case .gatedDeltaNet: "G"
    case .m2rnn: "M"
    case .carried: "?"
    }
  }

  var symbols: [String: Int] {
    switch self {
    case .attention(let mixer): mixer.symbols
    case .gatedDeltaNet(let mixer): mixer.symbols
    case .m2rnn(let mixer): mixer.symbols
    case .carried: [:]
    }
  }

  /// The facts of the mixer, its kind among them.
  public var values: Facts {
    var facts: Facts
    switch self {
    case .attention(let mixer): facts = mixer.values
    case .gatedDeltaNet(let mixer): facts = mixer.values
    case .m2rnn(let mixer): facts = mixer.values
    case .carried: facts = ["carried": .flag(true)]
    }
    facts["mixer"] = .word(kind)
    return facts
  }

  init(_ facts: Facts) throws {
    switch facts["mixer"]?.asWord {
    case "attention": self = .attention(try Attention(facts))
    case "gdn": self = .gatedDeltaNet(try GatedDeltaNet(facts))
    case "m2rnn": self = .m2rnn(try M2RNN(facts))
    case let kind?: self = .carried(kind)
    case nil: self = .carried("unknown")
    }
  }
}
