import Foundation
import GraftTestSupport
import JSON

@testable import Canonical
@testable import Layouts

/// The tables of what the code declares: facts, roles, activations, and what the part `m2rnn` stores.
enum SpecificationTables {
  static var sections: [SpecificationPage.Section] {
    [
      ("roles", { _ in roles }), ("facts", { _ in try facts() }),
      ("activations", { _ in activations }), ("m2rnn keys", { _ in try m2rnnKeys() }),
      ("m2rnn tensors", { _ in try m2rnnTensors() }),
    ]
  }

  /// What the first words of names stand for.
  private static let titles = [
    "attention": "attention", "gdn": "Gated DeltaNet", "m2rnn": "M²RNN", "mlp": "MLP",
    "moe": "experts", "expert": "each expert", "shared": "shared expert",
  ]

  private static func title(_ name: String, else scope: String) -> String {
    let first = String(name.prefix { $0 != "." })
    guard Mixer.known.contains(where: { $0.kind == first }) || titles[first] != nil else {
      return scope
    }
    return titles[first] ?? "`\(first)`"
  }

  /// The first cell of each row, where it is another one than that of the row before.
  private static func grouped(_ rows: [[String]]) -> [[String]] {
    rows.indices.map { index in
      let isFirst = index == 0 || rows[index - 1][0] != rows[index][0]
      return [isFirst ? rows[index][0] : ""] + rows[index].dropFirst()
    }
  }

  private static func shape(_ sizes: [SizeExpression]) -> String {
    "[" + sizes.map { $0.text.replacing("*", with: "\\*") }.joined(separator: ", ") + "]"
  }

  private static var roles: [String] {
    var rows: [[String]] = []
    for role in RoleTable.all {
      let title = title(role.name, else: "\(role.scope)")
      let (name, shape) = ("`\(role.name)`", shape(role.shape))
      if let last = rows.last, last[0] == title, last[2] == shape {
        rows[rows.count - 1][1] += ", " + name
      } else {
        rows.append([title, name, shape])
      }
    }
    return SpecificationPage.table(["scope", "role", "shape"], grouped(rows))
  }

  private static func facts() throws -> [String] {
    let meanings = try DeclaredMeanings()
    let layer = FactNames.layer
    let rows = FactNames.descriptions.map { fact in
      let scope = layer.contains(fact.name) ? "layer" : "model"
      let title = scope == "model" ? scope : title(fact.name, else: scope)
      return [title, "`\(fact.name)`", values(fact), meanings[fact.name]]
    }
    return SpecificationPage.table(["scope", "fact", "values", "meaning"], grouped(rows))
  }

  private static func values(_ fact: FactDescription) -> String {
    let activations = Activation.allCases.map(\.rawValue)
    let words = fact.words.map { "`\($0)`" }.joined(separator: ", ")
    let values =
      switch fact.kind {
      case .flag: "flag"
      case .integer: "integer"
      case .number: "number"
      case .word: fact.words.isEmpty ? "word" : fact.words == activations ? "activation" : words
      }
    return values + (fact.isOptional ? ", or none" : "") + (fact.isDerived ? "; derived" : "")
  }

  private static var activations: [String] {
    lines(
      "Activations: " + Activation.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") + "."
    )
  }

  /// Text in lines of at most 120 characters.
  private static func lines(_ text: String) -> [String] {
    text.components(separatedBy: " ").reduce(into: [String]()) { lines, word in
      if let last = lines.last, last.count + word.count < 120 {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(word)
      }
    }
  }

  private static func m2rnnList(_ name: String) throws -> [JSONValue] {
    let path = SpecificationPage.path.removingLastComponent().appending("parts/m2rnn.json")
    return try JSONValue(parsing: [UInt8](Fixtures.contents(path)))["lists"]?[name]?.array ?? []
  }

  private static func m2rnnKeys() throws -> [String] {
    let rows = try m2rnnList("keys")[0]["groups"]?["keys"]?.array ?? []
    return SpecificationPage.table(
      ["key of an object", "fact", "where it is null or missing"],
      rows.map { row in
        let fallbacks = ["null", "absent"].compactMap { word in
          row[word].map {
            "\(word == "null" ? "null" : "missing"): \($0.isNull ? "none" : $0.text(indent: 0))"
          }
        }
        let (key, fact) = (row["key"] ?? row.array?[0], row["fact"] ?? row.array?[1])
        return [
          "`\(key?.string ?? "")`", "`\(fact?.string ?? "")`", fallbacks.joined(separator: "; "),
        ]
      })
  }

  private static func m2rnnTensors() throws -> [String] {
    SpecificationPage.table(
      ["tensor", "shape", "when"],
      try m2rnnList("tensors").map { rule in
        let parts = rule["weave"]?["parts"]?.array ?? []
        let role = rule["is"]?.string ?? parts[0].array?[0].string ?? ""
        var sizes = RoleTable.shape(role) ?? []
        if !parts.isEmpty {
          sizes[0] = try SizeExpression(
            parts.compactMap { $0.array?[1].string }.joined(separator: " + "))
        }
        let name = rule["name"]?.string?.replacing("{place}", with: "") ?? ""
        let conditions = (rule["when"]?.string ?? "").components(separatedBy: " & ").dropFirst()
        return ["`\(name)`", shape(sizes), conditions.map { "`\($0)`" }.joined(separator: ", ")]
      })
  }
}
