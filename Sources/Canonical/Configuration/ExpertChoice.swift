/// How a router with sigmoids chooses experts and weighs them.
///
/// Maths letters: `G` groups of experts that lie one behind the other.
///
/// Source: transformers `models/kimi_linear/modeling_kimi_linear.py`, after arXiv 2412.19437, section 2.1.2.
public struct ExpertChoice: Hashable, Sendable {
  /// Whether a learned number is added to the sigmoid of every expert for the choice alone.
  public var hasCorrection = false
  /// G, the number of groups.
  public var groups = 1
  /// The number of groups whose experts can be chosen: those with the largest sums of their two best.
  public var groupsPerToken = 1
  /// Whether the weights of the chosen experts are divided by their sum.
  public var renormalises = true
  /// What they are then multiplied with.
  public var scale = 1.0

  /// One group, weights as they are.
  public init() {}

  /// What is out of range or does not fit the experts, and the value.
  func disagreements(_ experts: Int, _ perToken: Int) -> [(String, String)] {
    guard groups > 0, experts % groups == 0 else {
      return [("moe.groups must divide moe.experts", "\(groups), \(experts)")]
    }
    guard (1...groups).contains(groupsPerToken) else {
      return [
        ("moe.groups_per_token must be between 1 and moe.groups", "\(groupsPerToken), \(groups)")
      ]
    }
    let size = experts / groups
    var found: [(String, String)] = []
    // With a single group its score is never asked for.
    if groups > 1, size < 2 {
      found.append(("a group needs two experts, by whose scores it is chosen", "\(size)"))
    }
    if perToken > groupsPerToken * size {
      found.append(
        (
          "moe.experts_per_token must not exceed the experts of moe.groups_per_token groups",
          "\(perToken), \(groupsPerToken * size)"
        ))
    }
    return found
  }
}
