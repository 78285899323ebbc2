import JSON
import Tensors

/// What a config has to say so that its claims hold.
extension ConfigClaims {
  /// The keys that count something else than is stored, with what is stored.
  public var corrections: [ConfigCorrection] {
    predictionCorrections + vocabularyCorrections + typeCorrections
  }

  /// Whether the config says twice, and differently, whether the head is tied.
  public var saysTieTwice: Bool { !tieFindings.isEmpty }

  private func correcting(_ key: String, to value: JSONValue, _ text: String)
    -> [ConfigCorrection]
  {
    layout.correcting(key, to: value, in: config, text)
  }

  /// The number of layers that are stored, where they are counted from 0 without a gap.
  private var predictionCorrections: [ConfigCorrection] {
    guard layout.predictionFactKey == nil, let (key, claimed) = predictionClaim else { return [] }
    let layers = predictionLayers
    let count = layers.count
    guard claimed != count, layers == Set(0..<count), count > 0 || !hasPrediction else { return [] }
    return correcting(
      key, to: JSONValue(count), "counts layers of multi-token prediction that are not stored so")
  }

  private var vocabularyCorrections: [ConfigCorrection] {
    guard layout.container == nil, !vocabularyFindings.isEmpty,
      let key = layout.config.key(of: "vocabulary")
    else { return [] }
    return correcting(
      key, to: JSONValue(configuration.vocabulary), "counts other rows than are stored")
  }

  /// The type that most stored values have.
  private var typeCorrections: [ConfigCorrection] {
    guard layout.container == nil, !typeFindings.isEmpty,
      let key = layout.config.typeKeys.first(where: { key in
        layout.places(of: key, in: config).contains { config.value(at: $0)?.string != nil }
      }), let name = commonType?.configName
    else { return [] }
    return correcting(key, to: .string(name), "names a type that no tensor has")
  }

  private var commonType: ScalarType? {
    let counts = stored.values.filter(\.type.isFloat).reduce(into: [ScalarType: Int]()) {
      $0[$1.type, default: 0] += TensorShape.elementCount($1.shape) ?? 0
    }
    return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
  }
}

extension Layout {
  /// The changes of a config that may make stored tensors fit: another count of layers of multi-token
  /// prediction and, where the config says twice whether the head is tied, one of both. Which of them does is
  /// shown by reading the result.
  public func possibleCorrections(of config: JSONValue, _ stored: StoredHeaders)
    -> [[ConfigCorrection]]
  {
    let layers = Set(stored.names.compactMap { ConfigClaims.index(in: $0, after: "mtp.layers.") })
    let prediction = self.config.predictionKey.map {
      correcting(
        $0, to: JSONValue(layers.count), in: config,
        "counts layers of multi-token prediction that are not stored so")
    }
    let tie = self.config.key(of: "tied").map { places(of: $0, in: config) } ?? []
    let isTieDoubtful = Set(tie.map { config.value(at: $0) }).count > 1
    let ties = [false, true].map { isTied in
      correctingTie(to: isTied, in: config, Self.doubtfulTie)
    }
    return ((prediction.map { [$0] } ?? []) + (isTieDoubtful ? ties : [])).filter { !$0.isEmpty }
  }

  /// What is wrong with flags that say different things of the head.
  public static let doubtfulTie = "says twice, and differently, whether the head is tied"

  /// What the config says of the head corrected, wherever it says it.
  public func correctingTie(to isTied: Bool, in config: JSONValue, _ text: String)
    -> [ConfigCorrection]
  {
    guard container == nil, let key = self.config.key(of: "tied") else { return [] }
    return correcting(key, to: .bool(isTied), in: config, text)
  }

  /// A key corrected at each place where it stands, or at the place where it is looked for.
  fileprivate func correcting(
    _ key: String, to value: JSONValue, in config: JSONValue, _ text: String
  ) -> [ConfigCorrection] {
    places(of: key, in: config).filter { config.value(at: $0) != value }
      .map { ConfigCorrection($0, to: value, text) }
  }

  fileprivate func places(of key: String, in config: JSONValue) -> [[String]] {
    let nested = self.config.nested.flatMap { config[$0]?.object == nil ? nil : $0 }
    let paths = (nested.map { [[$0, key]] } ?? []) + [[key]]
    let present = paths.filter { config.value(at: $0) != nil }
    return present.isEmpty ? [paths[0]] : present
  }
}
