import Foundation
import GraftTestSupport
import JSON
import SystemPackage

/// One way to get a checkpoint wrong: a line of `fixtures/faults.json`.
struct Fault: Sendable {
  /// What a comparison of logits has to say.
  enum Verdict: String {
    /// It fails at the right layer.
    case fails
    /// It may pass; where it fails, at the right layer.
    case maybe
    /// It cannot see what is wrong, because nothing computes with it.
    case unseen
    /// It refuses to run.
    case refused
  }

  /// A short name.
  let id: String
  /// What is wrong, in words.
  let what: String
  /// Where it happened; nil where it was made up.
  let seen: String?
  /// Which layers are spoilt: `gdn`, `gdn*`, `attention`, `dense`, `moe`, `m2rnn`, `all` or `model`.
  let layers: String
  /// What is done, one array each.
  let steps: [JSONValue]
  /// The detectors that must see it without the original: `refused`, `sign`, `audit`, `convert`.
  let alone: Set<String>
  /// What verify has to say.
  let verdict: Verdict
  /// The layer that has to be named, where it is not the first spoilt one.
  let place: String?
  /// The names of the only bases to spoil; parts of names that are left out; a fact that a base needs.
  private let only: [String], except: [String]
  let needs: String?

  init(_ line: JSONValue) {
    func texts(_ key: String) -> [String] { (line[key]?.array ?? []).compactMap(\.string) }
    id = line["id"]?.string ?? ""
    what = line["what"]?.string ?? ""
    seen = line["seen"]?.string
    layers = line["layers"]?.string ?? "model"
    steps = line["do"]?.array ?? []
    alone = Set(texts("alone"))
    place = line["place"]?.string
    needs = line["needs"]?.string
    (only, except) = (texts("only"), texts("except"))
    let stated = line["verify"]?.string.flatMap { Verdict(rawValue: $0) }
    verdict = stated ?? (alone.contains("refused") ? .refused : .fails)
  }

  /// Whether the fault is meant for a base.
  func isMeant(for base: String) -> Bool {
    (only.isEmpty || only.contains(base)) && !except.contains { base.contains($0) }
  }
}

/// A sound checkpoint that faults are planted in.
struct Base: Sendable {
  /// What the tables call it.
  let name: String
  /// The fixture that holds it or that it is converted from.
  let fixture: String
  /// The layout it is converted to; nil for that of the fixture.
  let layout: String?
  /// Whether its weights were trained.
  let isTrained: Bool
  /// What its config says instead of what that of the fixture says.
  let edits: JSONObject
  /// Whether latent attention keeps as many heads as the other layers have, as llama.cpp needs them.
  let cutsHeads: Bool
  /// How its weights are packed, after which they are other ones; nil where they are plain.
  let packing: PackedTwin.Form?
  /// Whether its layout has another eps in a mixer, so that it computes a little else than the fixture.
  let changesEpsilons: Bool

  init(_ line: JSONValue) {
    name = line["name"]?.string ?? ""
    fixture = line["fixture"]?.string ?? ""
    layout = line["to"]?.string
    isTrained = line["trained"]?.bool ?? false
    edits = line["set"]?.object ?? [:]
    cutsHeads = line["heads"]?.bool ?? false
    packing = line["packed"]?.string.flatMap(PackedTwin.Form.init)
    changesEpsilons = line["eps"]?.bool ?? false
  }
}

extension Base {
  /// Whether it is made of another model than the fixture holds.
  var isEdited: Bool { cutsHeads || !edits.entries.isEmpty }
}

/// All faults and what they are planted in.
enum FaultCatalogue {
  static let file = (try? JSONValue(parsing: Fixtures.bytes("faults.json"))) ?? .null
  static let faults = (file["faults"]?.array ?? []).map(Fault.init)
  static let bases = (file["bases"]?.array ?? []).map(Base.init)
}
