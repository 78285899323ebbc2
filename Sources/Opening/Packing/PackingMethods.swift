import Layouts
import Packing

/// The ways of packing weights that Graft reads.
enum PackingMethods {
  /// All of them with the words by which configs name them, in the order in which tensors are looked at
  /// that no config explains.
  private static let all: [(word: String, type: any PackingMethod.Type)] = [
    ("mlx", MLXPacking.self)
  ]

  /// The methods that may have packed the weights of a checkpoint.
  /// - Parameter claim: what its config says; nil where it says nothing, so that tensors must tell.
  /// - Throws: `Problem` for a claim that cannot be, or an option that is not read.
  static func claimed(by claim: QuantisationClaim?) throws -> [any PackingMethod] {
    guard let claim else { return others(than: nil) }
    return try all.filter { $0.word == claim.word }.map { try $0.type.init(claim: claim.value) }
  }

  /// The methods that a claim does not name, as tensors alone tell them.
  static func others(than claim: QuantisationClaim?) -> [any PackingMethod] {
    all.filter { $0.word != claim?.word }.compactMap { try? $0.type.init(claim: nil) }
  }
}
