import Canonical
import Diagnostics

/// Layers that are replaced in the same way, as the command line and recipes say it.
public struct SpliceGroup: Sendable {
  /// The layers to replace.
  public var layers: [Int]
  /// How the new layers get their values.
  public var initialisation = Splice.Initialisation.reference
  /// The sizes of the new layers, unless a donor brings its own.
  public var sizing = M2RNNSizing()
  /// The seed of what is drawn.
  public var seed: UInt64 = 0
  /// The steps of optimisation; nil for the usual number.
  public var steps: Int?
  /// The checkpoint whose layer is taken.
  public var donor: String?
  /// Which layer of it; nil for its first M²RNN layer.
  public var donorLayer: Int?

  /// A group with lm-engine's initialisation and the usual sizes.
  public init(layers: [Int]) { self.layers = layers }

  /// The replacement before anything is fitted.
  /// - Parameter open: gives the model of the checkpoint at a path.
  /// - Throws: `Problem` of kind `usage` where a donor is wanted and none is named; what `open` throws.
  public func splice(donors open: (String) throws -> CanonicalModel) throws -> Splice {
    var splice = Splice(layers: layers, sizing: sizing, initialisation: initialisation, seed: seed)
    if initialisation == .donor { splice.donor = try donor(open) }
    return splice
  }

  private func donor(_ open: (String) throws -> CanonicalModel) throws -> Splice.Donor {
    guard let donor else {
      throw Problem(.usage, "--init donor needs a donor", remedy: "add --donor PATH")
    }
    let model = try open(donor)
    let first = model.configuration.layers.firstIndex {
      if case .m2rnn = $0.mixer { true } else { false }
    }
    return Splice.Donor(model, layer: donorLayer ?? first ?? 0, file: donor)
  }
}
