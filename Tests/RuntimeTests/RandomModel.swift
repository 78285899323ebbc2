import GraftTestSupport
import Tensors

@testable import Canonical
@testable import Runtime

/// Builds small models with random weights from the facts of their layers.
enum RandomModel {
  /// A model of the given layers, hidden width 24 and 50 tokens.
  ///
  /// Weights are small enough that a stack of layers stays tame and large enough to matter.
  static func make(
    _ layers: [Facts], model: Facts = [:], seed: UInt64 = 1, type: ScalarType = .f32
  ) throws -> CanonicalModel {
    var facts: Facts = [
      "vocabulary": .integer(50), "hidden": .integer(24), "layers": .integer(layers.count),
    ]
    facts.merge(model) { $1 }
    let full = layers.map { $0.merging(["mlp.intermediate": .integer(20)]) { a, _ in a } }
    let configuration = try ModelConfiguration(model: facts, layers: full)
    var generator = SeededGenerator(seed: seed)
    var tensors: [Role: CanonicalTensor] = [:]
    for role in roles(configuration) {
      let shape = try shape(role, configuration)
      let values = (0..<shape.reduce(1, *)).map { _ in generator.float() }
      tensors[role] = tensor(role, shape, values, type)
    }
    return CanonicalModel(configuration: configuration, tensors: tensors)
  }

  /// Scales values to what their role needs, and stores them.
  private static func tensor(
    _ role: Role, _ shape: [Int], _ values: [Float], _ type: ScalarType
  ) -> CanonicalTensor {
    let scale = shape.count == 2 ? 1.7 / Float(shape[1]).squareRoot() : 0.6
    let scaled = values.map { $0 * scale + (role.name.hasSuffix("norm") ? 0.8 : 0) }
    guard type != .f32, shape.count == 2 else {
      return CanonicalTensor(shape: shape, values: scaled, origin: role.description)
    }
    let bytes = OwnedBytes(count: values.count * 2)
    let target = bytes.mutableBytes.bindMemory(to: UInt16.self)
    for (index, value) in scaled.enumerated() {
      target[index] = type == .bf16 ? FloatBits.bf16(value) : FloatBits.f16(value)
    }
    return CanonicalTensor(
      shape: shape, type: type, region: ByteRegion(bytes), view: StridedView(contiguous: shape),
      origin: role.description)
  }

  private static func shape(_ role: Role, _ configuration: ModelConfiguration) throws -> [Int] {
    let symbols = configuration.symbols(layer: role.layer)
    return try (RoleTable.shape(role.name) ?? []).map { try $0.value(symbols) }
  }

  private static func roles(_ configuration: ModelConfiguration) -> [Role] {
    func names<Owner>(_ rules: [RoleRule<Owner>], _ owner: Owner) -> [String] {
      rules.filter { $0.isPresent(owner) }.map(\.name)
    }
    return names(ModelConfiguration.roles, configuration).map { Role($0) }
      + configuration.layers.enumerated().flatMap { index, layer in
        let own =
          names(LayerConfiguration.roles, configuration) + layer.mixer.roleNames
          + names(FeedForward.roles, layer.feedForward)
          + names(NgramEmbedding.roles, layer.ngrams)
        let ofExperts = names(FeedForward.expertRoles, layer.feedForward)
        return own.map { Role($0, layer: index) }
          + (0..<layer.feedForward.experts).flatMap { expert in
            ofExperts.map { Role($0, layer: index, expert: expert) }
          }
      }
  }
}
