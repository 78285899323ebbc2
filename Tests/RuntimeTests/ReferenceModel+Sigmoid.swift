@testable import Canonical

extension ReferenceModel {
  /// The experts of a router with sigmoids and their weights.
  func routeBySigmoid(_ logits: Row, _ mlp: FeedForward, _ layer: Int) -> [(Int, Double)] {
    let choice = mlp.choice
    let scores = logits.map(sigmoid)
    let correction = values("moe.correction", layer)
    let marks = scores.indices.map { scores[$0] + (choice.hasCorrection ? correction[$0] : 0) }
    let groups = split(marks, mlp.experts / choice.groups)
    let best = groups.indices.sorted {
      let (a, b) = (twoBest(groups[$0]), twoBest(groups[$1]))
      return a > b || (a == b && $0 < $1)
    }.prefix(choice.groupsPerToken)
    let allowed = marks.indices.filter { best.contains($0 / (mlp.experts / choice.groups)) }
    let chosen = allowed.sorted { marks[$0] > marks[$1] || (marks[$0] == marks[$1] && $0 < $1) }
      .prefix(mlp.expertsPerToken)
    let total = choice.renormalises ? chosen.reduce(0) { $0 + scores[$1] } : 1
    return chosen.map { ($0, scores[$0] / total * choice.scale) }
  }

  private func twoBest(_ marks: Row) -> Double { marks.sorted(by: >).prefix(2).reduce(0, +) }
}
