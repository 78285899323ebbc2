import Canonical

extension Mixer {
  /// The mixer with its weights; nil for one that is carried through by name and cannot be computed.
  func block(_ binder: Binder, rotary: RotaryTable?) throws -> (any MixerBlock)? {
    switch self {
    case .attention(let attention): try AttentionBlock(attention, binder, rotary: rotary)
    case .gatedDeltaNet(let gdn): try GatedDeltaNetBlock(gdn, binder)
    case .m2rnn(let m2rnn): try M2RNNBlock(m2rnn, binder)
    case .kda(let kda): try KimiDeltaBlock(kda, binder)
    case .mla(let mla): try LatentAttentionBlock(mla, binder, rotary: rotary)
    case .carried: nil
    }
  }
}
