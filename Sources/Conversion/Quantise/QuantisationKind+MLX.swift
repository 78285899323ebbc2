import Diagnostics
import Packing

extension QuantisationKind {
  /// How MLX packs weights of this kind; nil for one that is not MLX's.
  /// - Parameter group: the values that share a scale, where another number than the mode's is wanted.
  /// - Throws: `Problem` of kind `usage` for a number that the mode does not have.
  func mlxForm(group: Int?) throws -> MLXForm? {
    let form: MLXForm? =
      switch self {
      case .mlxMXFP4: MLXForm(.mxfp4)
      case .mlxMXFP8: MLXForm(.mxfp8)
      case .mlxNVFP4: MLXForm(.nvfp4)
      default: affineBits.map { MLXForm(.affine, bits: $0, group: group) }
      }
    if let group { try check(group, form) }
    return form
  }

  /// The bits of most weights and those of some, where a kind has two.
  var mixture: MLXMixture? {
    switch self {
    case .mlxMixed26: MLXMixture(low: 2, high: 6)
    case .mlxMixed34: MLXMixture(low: 3, high: 4)
    case .mlxMixed36: MLXMixture(low: 3, high: 6)
    case .mlxMixed46: MLXMixture(low: 4, high: 6)
    default: nil
    }
  }

  /// Whether codes are integers with a scale and a bias.
  var isAffine: Bool { affineBits != nil }

  /// Whether a weight can be packed by this kind alone, whatever others are.
  var isOfOneForm: Bool { holder == .mlx && mixture == nil }

  private var affineBits: Int? {
    switch self {
    case .mlx2Bit: 2
    case .mlx3Bit: 3
    case .mlx4Bit: 4
    case .mlx5Bit: 5
    case .mlx6Bit: 6
    case .mlx8Bit: 8
    // What the config of a mixture says of all weights, of which each says something else.
    case .mlxMixed26, .mlxMixed34, .mlxMixed36, .mlxMixed46: 4
    default: nil
    }
  }

  /// Refuses a size of groups that a kind does not have.
  func check(_ group: Int, _ form: MLXForm?) throws {
    let sizes = form.map { $0.mode == .affine ? MLXForm.affineGroups : [$0.group] } ?? []
    guard !sizes.contains(group) else { return }
    throw Problem(
      .usage, "\(rawValue) has no groups of this size",
      expected: sizes.isEmpty
        ? "no --group-size" : sizes.map(String.init).joined(separator: ", "),
      found: "\(group)", remedy: "leave --group-size out")
  }
}
