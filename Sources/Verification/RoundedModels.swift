import Canonical
import Diagnostics
import Runtime

/// Models as far from one as the model from which it was rounded may be, for `Gate.quantised`: every
/// quantised value is moved at random within the levels beside it.
///
/// Each is made when it is asked for, because most comparisons need few of them.
public struct RoundedModels: Sendable {
  private let weights: CanonicalModel
  private var isHeadless = false
  /// How many there are: more where a router chooses experts, which only some of them may do as the original does.
  let count: Int

  /// How many run in any case.
  static let least = 2
  private static let most = 12

  /// The models of some weights.
  /// - Throws: `Problem` of kind `usage` where nothing is quantised.
  public init(_ weights: CanonicalModel) throws {
    guard weights.isQuantised else {
      throw Problem(
        .usage, "there is nothing that rounding to levels would explain",
        expected:
          "a checkpoint whose weights are quantised, before the one that it is compared with",
        found: "none that are",
        remedy: "name the quantised checkpoint first, or give --gate f32 or --gate bf16")
    }
    self.weights = weights
    let chooses = weights.configuration.layers.contains { $0.feedForward.kind == .moe }
    count = chooses ? Self.most : Self.least
  }

  /// The same models up to their final norms.
  var withoutHead: RoundedModels {
    var models = self
    models.isHeadless = true
    return models
  }

  /// One of the models.
  /// - Throws: as `Model.init`.
  /// - Cost: nothing but time; weights are decoded and moved while they are computed with.
  func model(_ draw: Int) throws -> Model {
    let model = try Model(weights.roundedAgain(draw))
    return isHeadless ? model.withoutHead : model
  }
}
