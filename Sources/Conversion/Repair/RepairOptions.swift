import Layouts

/// What a repair may do beyond what is exact, and what is said of its source.
public struct RepairOptions: Sendable {
  /// The layout to read the source as; nil to recognise it.
  public var from: String?
  /// How values are stored, where the user says it.
  public var assuming: [Assumption] = []
  /// The kinds of tensors for which the layout has no use that are left out.
  public var allowed: Set<StrayTensor> = []
  /// Whether programs beside the weights travel, and keys of configs that name them.
  public var allowsCode = false
  /// Whether mended values are rounded where the type of their tensor does not hold them.
  public var allowsLoss = false
  /// How many tensors are looked at at a time; 0 stands for the active cores.
  public var threads = 0

  /// Recognises the source and rounds nothing.
  public init() {}
}
