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
  /// What explains missing, further and misshapen tensors together.
  func explanations(
    missing: [String], extra: [String], stored: StoredHeaders, config: JSONValue?, file: String
  ) -> [ExplainedNames] {
    let head = classifier(missing, extra, config) ?? untiedHead(missing, config)
    return [head, vocabulary(stored)].compactMap(\.self).map {
      ExplainedNames(problem: $0.problem.located(.file(file)), names: $0.names)
    }
  }

  /// The stored tensors that hold one role alone.
  private func holders(of role: String) -> [BoundTensor] {
    tensors.filter { $0.parts.map(\.role.name) == [role] }
  }

  // MARK: The head

  private static let classifiers: Set<Substring> = [
    "score", "classifier", "classification_head", "v_head", "value_head", "reward_head",
    "regression_head", "rm_head",
  ]

  /// A classifier or reward model: another head in place of the one for language.
  private func classifier(_ missing: [String], _ extra: [String], _ config: JSONValue?)
    -> ExplainedNames?
  {
    let found = extra.filter { name in
      let parts = name.split(separator: ".")
      return (parts.first == "model" ? parts.dropFirst() : parts[...]).first
        .map(Self.classifiers.contains) ?? false
    }
    let heads = holders(of: "head").map(\.name)
    guard !found.isEmpty, heads.allSatisfy(missing.contains) else { return nil }
    let architecture = config?["architectures"]?.array?.first?.string
    return ExplainedNames(
      problem: Problem(
        .unsupported, "a classifier or reward model, which has no language head",
        tensor: NameFolding.summary(found), expected: heads.first ?? "no further head",
        found: architecture.map { "architectures \($0)" },
        remedy: "give the language model from which it was trained"),
      names: Set(found + heads))
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

  // MARK: The vocabulary

  /// Embedding and head with another number of rows than the config says, both with the same.
  private func vocabulary(_ stored: StoredHeaders) -> ExplainedNames? {
    let holders = (holders(of: "embedding") + holders(of: "head")).filter { stored[$0.name] != nil }
    let shapes = Set(holders.compactMap { stored[$0.name]?.shape })
    guard layout.container == nil, let key = layout.config.key(of: "vocabulary"),
      let expected = holders.first?.shape,
      let shape = shapes.first, shapes.count == 1, holders.allSatisfy({ $0.shape == expected }),
      shape.count == 2, shape[0] != expected[0], shape[1] == expected[1]
    else { return nil }
    let names = holders.map(\.name)
    let isPadded = shape[0] > expected[0]
    return ExplainedNames(
      problem: Problem(
        .invalid, "the vocabulary has another size than the config says",
        tensor: names.joined(separator: ", "), expected: "\(expected[0]) rows, as \(key) says",
        found: "\(shape[0]) rows"
          + (isPadded ? ", perhaps padded by \(shape[0] - expected[0]) without tokens" : ""),
        remedy: "set \(key) to \(shape[0]), if the config belongs to these weights"),
      names: Set(names))
  }
}

extension ConfigTable {
  /// The key that states a fact as its value.
  func key(of fact: String) -> String? {
    entries.first { $0.rule.statedFact == fact }?.key
  }
}
