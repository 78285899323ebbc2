import Containers
import Packing
import Tensors

/// How a checkpoint stores weights that are packed, and what lies beside them.
public struct PackedStorage: Sendable {
  /// The checkpoint as it lies in the files, with the parts of packed weights.
  public let stored: StoredCheckpoint
  /// What tells how weights are packed: a config key, a file or the name of a tensor.
  public let evidence: String
  /// Whether the config, or a file beside it, says that weights are packed.
  public let isAnnounced: Bool
  /// The scales of activations and caches, which nothing that is computed here uses.
  public let beside: [StoredTensor]
  /// The schemes, each with the weights that are packed so, those of most weights first.
  public let schemes: [(scheme: PackingScheme, weights: [String])]

  init(
    _ stored: StoredCheckpoint, _ weights: [PackedTensor], evidence: String, isAnnounced: Bool,
    beside: [StoredTensor]
  ) {
    (self.stored, self.beside) = (stored, beside)
    (self.evidence, self.isAnnounced) = (evidence, isAnnounced)
    let groups = Dictionary(grouping: weights, by: \.packed.scheme)
    schemes = groups.map { ($0.key, $0.value.map(\.name).sorted()) }
      .sorted { ($1.weights.count, $0.scheme.text) < ($0.weights.count, $1.scheme.text) }
  }

  /// The number of packed weights.
  public var count: Int { schemes.reduce(0) { $0 + $1.weights.count } }

  /// The method, or the methods, by which weights are packed.
  public var method: String {
    var methods: [String] = []
    for (scheme, _) in schemes where !methods.contains(scheme.method) {
      methods.append(scheme.method)
    }
    return methods.joined(separator: " and ")
  }

  /// The bits of the codes; several where weights differ.
  public var widths: [Int] { Set(schemes.map(\.scheme.bits)).sorted() }
}

/// A packed weight under the name that it would have if it were plain.
typealias PackedTensor = (name: String, packed: any PackedWeight)

extension OpenedModel {
  /// The files as they lie, with the parts of packed weights and scales of activations where there are
  /// any.
  public var stored: StoredCheckpoint {
    packing?.stored ?? (checkpoint.takenOff.isEmpty ? fp8?.stored : nil) ?? checkpoint
  }

  /// The scales of activations and caches, which nothing that is computed here uses.
  public var activationScales: [StoredTensor] { packing?.beside ?? fp8?.beside ?? [] }
}
