import Canonical
import Diagnostics

/// A model whose weights are bound for computing; immutable, and shared by any number of sequences.
///
/// Matrices stay where they are stored, in their stored type; norms, biases and other small tensors
/// are held as F32.
///
/// ```swift
/// let model = try Model(canonical)
/// let state = try SequenceState(model, capacity: tokens.count)
/// let workspace = try Workspace(model)
/// try model.run(tokens, state, workspace) { logits in … }
/// ```
public final class Model: Sendable {
  /// What the weights do not say.
  public let configuration: ModelConfiguration

  let layers: [Layer]
  let rotary: [RotaryTable.Kind: RotaryTable]
  let embedding: WeightMatrix
  /// `[P, H]`
  let positions: WeightMatrix?
  let ending: Ending
  /// Nil where the model ends with its final norm.
  let head: Projection?

  /// Binds the weights of a model.
  ///
  /// A mixer that Graft carries but does not compute is no problem until the model is run.
  /// - Throws: `Problem` of kind `invalid` where a tensor is absent or has another shape than the
  ///   configuration says, `unsupported` where its type cannot be computed with.
  /// - Cost: reads small tensors; weights are not touched.
  public init(_ model: CanonicalModel) throws {
    configuration = model.configuration
    rotary = RotaryTable.tables(model.configuration)
    let binder = Binder(model: model, layer: nil)
    let H = configuration.hidden
    embedding = try binder.matrix("embedding", configuration.vocabulary, H)
    positions =
      configuration.position == .learned
      ? try binder.matrix("positions", configuration.maximumPositions, H) : nil
    ending = try Ending(binder)
    head =
      switch configuration.head {
      case .own:
        Projection(weight: try binder.matrix("head", configuration.vocabulary, H), bias: nil)
      case .tied: Projection(weight: embedding, bias: nil)
      case .none: nil
      }
    let tables = rotary
    layers = try model.configuration.layers.enumerated().map { index, layer in
      let kind = RotaryTable.kind(of: layer, in: model.configuration)
      return try Layer(
        layer, Binder(model: model, layer: index), rotary: kind.flatMap { tables[$0] })
    }
  }

  /// The same model with other layers, with or without its head.
  private init(_ other: Model, layers: [Layer], isHeadless: Bool = false) {
    configuration =
      isHeadless ? other.configuration.withoutHead : other.configuration
    (self.layers, rotary) = (layers, other.rotary)
    (embedding, positions) = (other.embedding, other.positions)
    (ending, head) = (other.ending, isHeadless ? nil : other.head)
  }

  /// The same model up to its final norm.
  public var withoutHead: Model { Model(self, layers: layers, isHeadless: true) }

  /// The same model with one layer bound anew.
  /// - Parameter canonical: where the tensors of that layer come from; of the same configuration.
  /// - Throws: as `init`.
  public func replacing(layer index: Int, from canonical: CanonicalModel) throws -> Model {
    let kind = RotaryTable.kind(of: configuration.layers[index], in: configuration)
    var layers = layers
    layers[index] = try Layer(
      configuration.layers[index], Binder(model: canonical, layer: index),
      rotary: kind.flatMap { rotary[$0] })
    return Model(self, layers: layers)
  }
}
