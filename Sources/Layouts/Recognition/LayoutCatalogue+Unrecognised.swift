import Diagnostics
import JSON

/// Why no layout takes a checkpoint.
extension LayoutCatalogue {
  /// How far a form is from a checkpoint that no form fits.
  private struct Distance {
    let outline: LayoutOutline
    /// What the form expects and does not find.
    let against: [String]
    /// The number of stored names that it does not give.
    let strangers: Int
  }

  /// The refusal: the layout whose names the tensors have, or that no delta-rule layer is stored, or what
  /// speaks against the nearest layout.
  /// - Cost: reads all layouts.
  public func refusal(config: JSONValue?, names: [String]) -> Problem {
    let stored = Set(names)
    if let problem = namesake(config, stored) { return problem }
    let distances = outlines.compactMap { outline -> Distance? in
      guard outline.form.modelClass == .language, let layout = try? outline.layout() else {
        return nil
      }
      return Distance(
        outline: outline,
        against: outline.detection.evidence(config: config, has: stored.contains).against,
        strangers: layout.strangers(in: names).count)
    }
    if let problem = otherName(distances, config) { return problem }
    if let problem = noDeltaRule(config, names) { return problem }
    let nearest = distances.min {
      ($0.strangers, $0.against.count) < ($1.strangers, $1.against.count)
    }
    return Problem(
      .unsupported, "no layout fits this checkpoint", expected: ids.joined(separator: ", "),
      found: nearest.map {
        "nearest is \($0.outline.id), but " + $0.against.joined(separator: ", ")
      },
      remedy: "check config.json, or name the layout with --from to see what does not fit it")
  }

  /// The model has the name of another kind, which a layout tells by its tensors.
  private func namesake(_ config: JSONValue?, _ names: Set<String>) -> Problem? {
    for outline in outlines {
      let detection = outline.detection
      guard let other = detection.namesake(names.contains),
        detection.config.allSatisfy({ $0.values.contains(config?[$0.key] ?? .null) })
      else { continue }
      return Problem(
        .unsupported, "the model is not of the kind that its config calls it by",
        expected: "\(outline.id), as the config says", found: other,
        remedy: "use another tool for it")
    }
    return nil
  }

  /// The names are those of one layout, but the config names another model type.
  private func otherName(_ distances: [Distance], _ config: JSONValue?) -> Problem? {
    let fitting = distances.filter { distance in
      distance.strangers == 0
        && distance.against.allSatisfy { $0.hasPrefix(LayoutDetection.configClause) }
    }
    let ids = fitting.map(\.outline.id).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    guard let first = fitting.first, let (key, values) = first.outline.detection.config.first else {
      return nil
    }
    let known = values.compactMap(\.string).joined(separator: " or ")
    return Problem(
      .unsupported, "the config calls the model by a name that no layout has",
      expected: "\(key) \(known), since the tensors are named as in \(ids.joined(separator: ", "))",
      found: first.against.joined(separator: ", "),
      remedy: "correct \(key) in the config, or name the layout with --from \(first.outline.id)")
  }

  /// No tensor is named like one of a delta-rule layer.
  private func noDeltaRule(_ config: JSONValue?, _ names: [String]) -> Problem? {
    let marks = [
      ".A_log", ".dt_bias", "linear_attn", ".ssm_a", ".ssm_dt", ".b_proj.", "in_proj_qkv",
    ]
    let hasOne = names.contains { name in marks.contains { name.contains($0) } }
    guard !names.isEmpty, !hasOne else { return nil }
    let keys = outlines.flatMap { $0.detection.config.map(\.key) }
    let key = keys.first { config?[$0]?.string != nil }
    let kind = key.flatMap { key in config?[key]?.string.map { "\(key) \($0), and " } } ?? ""
    return Problem(
      .unsupported, "the model has no delta-rule layers",
      expected: "a hybrid in one of the layouts \(ids.joined(separator: ", "))",
      found: kind + "no tensor of such a layer, as A_log or linear_attn",
      remedy:
        "use another tool for it: Graft works on models with layers of Gated DeltaNet or Kimi Delta Attention"
    )
  }
}
