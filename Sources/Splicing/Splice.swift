import Canonical
import Diagnostics
import Tensors

/// The replacement of delta-rule layers by M²RNN layers: an overlay on a canonical model.
public struct Splice: Sendable {
  /// How the new layer gets its values, as the command line and recipes name it.
  public enum Initialisation: String, CaseIterable, Sendable {
    /// lm-engine's own initialisation.
    case reference
    /// As `reference`, with an output projection of zeros: the mixer adds nothing at first.
    case zero
    /// Drawn so that training finds states that last: those of a finite automaton, say.
    case tracking
    /// What keeps its meaning is taken from the replaced layer, the rest drawn as in `reference`; then
    /// one factor for the output of each head is fitted.
    case transfer
    /// As `transfer`, but everything is fitted, on tokens.
    case calibrate
    /// The M²RNN layer of another model.
    case donor

    /// Whether the new layer is then fitted to the replaced one.
    public var isFitted: Bool { self == .transfer || self == .calibrate }
  }

  /// An M²RNN layer of another model.
  public struct Donor: Sendable {
    let model: CanonicalModel
    let layer: Int
    let file: String

    /// A layer of a model, which messages call by its file.
    public init(_ model: CanonicalModel, layer: Int, file: String) {
      (self.model, self.layer, self.file) = (model, layer, file)
    }
  }

  /// The layers to replace.
  public let layers: [Int]
  /// The sizes of the new layers, unless a donor brings its own.
  public let sizing: M2RNNSizing
  /// How the new layers get their values; fitting them is for others.
  public let initialisation: Initialisation
  /// The seed of what is drawn.
  public let seed: UInt64
  /// The layer that is taken instead of one that is made.
  public var donor: Donor?

  /// A replacement of one or more layers.
  public init(
    layers: [Int], sizing: M2RNNSizing, initialisation: Initialisation, seed: UInt64 = 0,
    donor: Donor? = nil
  ) {
    self.layers = layers
    self.sizing = sizing
    self.initialisation = initialisation
    self.seed = seed
    self.donor = donor
  }

  /// The model with the layers replaced; every other tensor is the one of `model`.
  /// - Throws: `Problem` of kind `usage` for a layer that cannot be replaced, `unsupported` for a
  ///   donor that does not fit.
  /// - Cost: 4 bytes of memory per new parameter.
  public func applied(to model: CanonicalModel) throws -> CanonicalModel {
    guard Set(layers).count == layers.count, !layers.isEmpty else {
      throw Problem(
        .usage, "the list of layers is empty or names one twice", expected: "each layer once",
        found: layers.map(String.init).joined(separator: ","), remedy: "name each layer once")
    }
    return try layers.reduce(model) { try replaced(in: $0, layer: $1) }
  }

  private func replaced(in model: CanonicalModel, layer: Int) throws -> CanonicalModel {
    let old = try replaceableMixer(model.configuration, layer)
    let mixer = model.configuration.layers[layer].mixer
    var result = model
    let new = try newMixer(replacing: old, in: model)
    result.configuration.layers[layer].mixer = .m2rnn(new)
    for role in model.tensors.keys where role.layer == layer && mixer.owns(role) {
      result.tensors[role] = nil
    }
    for (role, tensor) in try newTensors(new, replacing: old, in: model, result, layer) {
      result.tensors[role] = tensor
    }
    return result
  }

  private func replaceableMixer(_ configuration: ModelConfiguration, _ layer: Int) throws
    -> any ReplacedLayer
  {
    try Self.requireLayer(layer, of: configuration)
    guard let mixer = configuration.layers[layer].mixer.replaced else {
      throw Problem(
        .usage, "only a layer of Gated DeltaNet or Kimi Delta Attention can be replaced",
        layer: layer, expected: "gdn or kda",
        found: configuration.layers[layer].mixer.kind,
        remedy:
          "choose one of \(Self.replaceable(in: configuration).map(String.init).joined(separator: ", "))"
      )
    }
    return mixer
  }

  /// Refuses the index of no layer.
  static func requireLayer(_ layer: Int, of configuration: ModelConfiguration) throws {
    guard !configuration.layers.indices.contains(layer) else { return }
    throw Problem(
      .usage, "there is no such layer", layer: layer,
      expected: "0 to \(configuration.layers.count - 1)",
      remedy: "choose a layer that graft inspect marks G or K")
  }

  /// The layers that can be replaced.
  public static func replaceable(in configuration: ModelConfiguration) -> [Int] {
    configuration.layers.indices.filter { configuration.layers[$0].mixer.replaced != nil }
  }

  private func newMixer(replacing old: any ReplacedLayer, in model: CanonicalModel) throws -> M2RNN
  {
    guard let donor else {
      let hidden = model.configuration.hidden
      guard initialisation == .tracking else {
        return try sizing.configuration(replacing: old, hidden: hidden)
      }
      return try TrackingInitialisation.configuration(sizing, replacing: old, hidden: hidden)
    }
    let configuration = donor.model.configuration
    guard configuration.layers.indices.contains(donor.layer),
      case .m2rnn(let mixer) = configuration.layers[donor.layer].mixer
    else {
      throw Problem(
        .unsupported, "the donor has no M²RNN layer there", file: donor.file, layer: donor.layer,
        found: configuration.layers.map(\.mixer.mark).joined(),
        remedy: "name with --donor-layer one that is marked M")
    }
    guard configuration.hidden == model.configuration.hidden else {
      throw Problem(
        .unsupported, "the donor has another hidden size",
        expected: "\(model.configuration.hidden)",
        found: "\(configuration.hidden)", remedy: "take a donor of the same hidden size")
    }
    return mixer
  }

  private func newTensors(
    _ mixer: M2RNN, replacing old: any ReplacedLayer, in source: CanonicalModel,
    _ result: CanonicalModel, _ layer: Int
  ) throws -> [(Role, CanonicalTensor)] {
    if let donor {
      return donor.model.tensors
        .filter { $0.key.layer == donor.layer && Mixer.m2rnn(mixer).owns($0.key) }
        .map { (Role($0.key.name, layer: layer), $0.value) }
    }
    // Every tensor has fresh values first; what the way of starting chooses takes their place.
    let symbols = result.configuration.symbols(layer: layer)
    let fresh = ReferenceInitialisation(
      model: result.configuration, layer: layer, mixer: mixer, seed: seed)
    var chosen: [String: [Float]] = [:]
    if initialisation.isFitted {
      chosen = try TransferInitialisation(
        from: source, layer: layer, old: old, new: mixer, fresh: fresh
      ).values
    } else if initialisation == .tracking {
      chosen = TrackingInitialisation.values(mixer, fresh)
    }
    return try Mixer.m2rnn(mixer).roleNames.map { name in
      let shape = try (RoleTable.shape(name) ?? []).map { try $0.value(symbols) }
      let count = shape.reduce(1, *)
      let isZero = name == "m2rnn.o" && initialisation == .zero
      let values =
        isZero
        ? Array(repeating: 0, count: count)
        : chosen[name] ?? fresh.values(name, count: count)
      return (
        Role(name, layer: layer),
        CanonicalTensor(shape: shape, values: values, origin: CanonicalTensor.newOrigin)
      )
    }
  }
}
