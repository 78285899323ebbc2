import Canonical
import Diagnostics
import Runtime

extension Model {
  /// How many models are rounded again and run in any case.
  static let leastRoundedAgain = 2
  /// How many there are where a router chooses experts, which only some of them may do as the original does.
  private static let mostRoundedAgain = 12

  /// Models as far from one as the model from which it was rounded may be, for `Gate.quantised`: every
  /// quantised value is moved at random within the levels beside it.
  /// - Throws: `Problem` of kind `usage` where nothing is quantised, and as `init`.
  /// - Cost: nothing but time; weights are decoded and moved while they are computed with.
  public static func roundedAgain(_ canonical: CanonicalModel) throws -> [Model] {
    guard canonical.isQuantised else {
      throw Problem(
        .usage, "there is nothing that rounding to levels would explain",
        expected:
          "a checkpoint whose weights are quantised, before the one that it is compared with",
        found: "none that are",
        remedy: "name the quantised checkpoint first, or give --gate f32 or --gate bf16")
    }
    let chooses = canonical.configuration.layers.contains { $0.feedForward.kind == .moe }
    let count = chooses ? mostRoundedAgain : leastRoundedAgain
    return try (0..<count).map { try Model(canonical.roundedAgain($0)) }
  }
}
