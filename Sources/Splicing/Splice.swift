import Canonical
import Diagnostics
import Tensors

/// The replacement of Gated DeltaNet layers by M²RNN layers: an overlay on a canonical model.
public struct Splice: Sendable {
  /// How the new layer gets its values.
  public enum Initialisation: Sendable {
    /// lm-engine's own initialisation.
    case reference(seed: UInt64)
    /// As `reference`, with an output projection of zeros: the mixer adds nothing at first.
    case zero(seed: UInt64)
    /// What keeps its meaning is taken from the replaced layer, the rest drawn as in `reference`.
    case transfer(seed: UInt64)
    /// The M²RNN layer of another model, which messages call by its file.
    case donor(CanonicalModel, layer: Int, file: String)
  }

  /// The layers to replace.
  public let layers: [Int]
  /// The sizes of the new layers, unless a donor brings its own.
  public let sizing: M2RNNSizing
  /// How the new layers get their values.
  public let initialisation: Initialisation

  /// A replacement of one or more layers.
  public init(layers: [Int], sizing: M2RNNSizing, initialisation: Initialisation) {
    self.layers = layers
    self.sizing = sizing
    self.initialisation = initialisation
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
    -> GatedDeltaNet
  {
    guard configuration.layers.indices.contains(layer) else {
      throw Problem(
        .usage, "there is no such layer", layer: layer,
        expected: "0 to \(configuration.layers.count - 1)",
        remedy: "choose a layer that graft inspect marks G")
    }
    guard case .gatedDeltaNet(let mixer) = configuration.layers[layer].mixer else {
      throw Problem(
        .usage, "only a Gated DeltaNet layer can be replaced", layer: layer, expected: "gdn",
        found: configuration.layers[layer].mixer.kind,
        remedy:
          "choose one of \(Self.replaceable(in: configuration).map(String.init).joined(separator: ", "))"
      )
    }
    return mixer
  }

  /// The layers that can be replaced.
  public static func replaceable(in configuration: ModelConfiguration) -> [Int] {
    configuration.layers.indices.filter {
      if case .gatedDeltaNet = configuration.layers[$0].mixer { true } else { false }
    }
  }

  private func newMixer(replacing old: GatedDeltaNet, in model: CanonicalModel) throws -> M2RNN {
    guard case .donor(let donor, let layer, let file) = initialisation else {
      return try sizing.configuration(replacing: old, hidden: model.configuration.hidden)
    }
    guard donor.configuration.layers.indices.contains(layer),
      case .m2rnn(let mixer) = donor.configuration.layers[layer].mixer
    else {
      throw Problem(
        .unsupported, "the donor has no M²RNN layer there", file: file, layer: layer,
        found: donor.configuration.layers.map(\.mixer.mark).joined(),
        remedy: "name with --donor-layer one that is marked M")
    }
    guard donor.configuration.hidden == model.configuration.hidden else {
      throw Problem(
        .unsupported, "the donor has another hidden size",
        expected: "\(model.configuration.hidden)",
        found: "\(donor.configuration.hidden)", remedy: "take a donor of the same hidden size")
    }
    return mixer
  }

  private func newTensors(
    _ mixer: M2RNN, replacing old: GatedDeltaNet, in source: CanonicalModel,
    _ result: CanonicalModel, _ layer: Int
  ) throws -> [(Role, CanonicalTensor)] {
    if case .donor(let donor, let from, _) = initialisation {
      return donor.tensors.filter { $0.key.layer == from && Mixer.m2rnn(mixer).owns($0.key) }
        .map { (Role($0.key.name, layer: layer), $0.value) }
    }
    let symbols = result.configuration.symbols(layer: layer)
    let fresh = ReferenceInitialisation(
      model: result.configuration, layer: layer, mixer: mixer, seed: seed)
    var transferred: [String: [Float]] = [:]
    if case .transfer = initialisation {
      transferred = try TransferInitialisation(
        from: source, layer: layer, old: old, new: mixer, fresh: fresh
      ).values
    }
    return try Mixer.m2rnn(mixer).roleNames.map { name in
      let shape = try (RoleTable.shape(name) ?? []).map { try $0.value(symbols) }
      let count = shape.reduce(1, *)
      let isZero = name == "m2rnn.o" && startsAtZero
      let values =
        isZero
        ? Array(repeating: 0, count: count)
        : transferred[name] ?? fresh.values(name, count: count)
      return (
        Role(name, layer: layer),
        CanonicalTensor(shape: shape, values: values, origin: CanonicalTensor.newOrigin)
      )
    }
  }

  private var seed: UInt64 {
    switch initialisation {
    case .reference(let seed), .zero(let seed), .transfer(let seed): seed
    case .donor: 0
    }
  }

  private var startsAtZero: Bool {
    if case .zero = initialisation { true } else { false }
  }
}
