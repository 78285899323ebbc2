import Canonical
import Diagnostics
import JSON
import Tensors

/// One reason behind several findings, and the names of the tensors that it explains.
struct ExplainedNames {
  let problem: Problem
  let names: Set<String>
}

extension LayoutBinding {
  /// What explains several missing tensors together.
  func explanations(missing: [String], config: JSONValue?, file: String) -> [ExplainedNames] {
    [untiedHead(missing, config)].compactMap(\.self).map {
      ExplainedNames(problem: $0.problem.located(.file(file)), names: $0.names)
    }
  }

  /// A head that is missing alone, though the config does not tie it to the embedding.
  private func untiedHead(_ missing: [String], _ config: JSONValue?) -> ExplainedNames? {
    let heads = holders(of: "head").map(\.name)
    guard let key = layout.config.key(of: "tied"), let head = heads.first, missing == heads else {
      return nil
    }
    return ExplainedNames(
      problem: Problem(
        .invalid, "the language head is missing, and the config does not tie it to the embedding",
        tensor: head, expected: "the tensor, or \(key): true",
        found: Self.claims(of: key, in: config),
        remedy: """
          set \(key) to true if the embedding is the head; else fetch the file that holds the tensor, \
          or give a model that was saved with its head
          """),
      names: Set(heads))
  }

  /// What a config says under a key, in its own objects too.
  private static func claims(of key: String, in config: JSONValue?) -> String {
    let inner = config?.object?.entries.compactMap { name, value in
      value.object?[key].map { "\(name)/\(key): \($0.text(indent: 0))" }
    }
    let outer = config?.object?[key].map { "\(key): \($0.text(indent: 0))" }
    return ([outer ?? "no \(key)"] + (inner ?? [])).joined(separator: ", ")
  }
}

extension ConfigTable {
  /// The key that states a fact as its value.
  func key(of fact: String) -> String? {
    entries.first { $0.rule.statedFact == fact }?.key
  }
}
