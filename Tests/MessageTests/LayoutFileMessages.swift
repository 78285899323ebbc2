import Foundation
import GraftTestSupport
import Layouts

extension MessageSection {
  /// Layout files, for those who write them.
  static let layoutFiles = MessageSection(
    "Layout files",
    [
      .init("an unknown role") { try $0.rule(#"{ "name": "e", "is": "embeding" }"#) },
      .init("an unknown key") { try $0.rule(#"{ "name": "e", "is": "embedding", "op": [] }"#) },
      .init("a rule that is no object") { try $0.rule("17") },
      .init("a value of the wrong type") { try $0.rule(#"{ "name": 5, "is": "embedding" }"#) },
      .init("a condition that is no text") {
        try $0.rule(#"{ "name": "e", "is": "embedding", "when": 5 }"#)
      },
      .init("woven parts without the woven axis") {
        try $0.rule(#"{ "name": "{layer}", "weave": { "axis": 0, "parts": [["gdn.q"]] } }"#)
      },
      .init("a table that is no bijection") { try $0.layout(top: #""tables": { "t": [0, 2] },"#) },
      .init("two rules for one tensor") {
        let rule = #"{ "name": "e", "is": "embedding" }"#
        return try $0.bound(rule + "," + rule)
      },
      .init("a step for more axes than the tensor has") {
        try $0.bound(#"{ "name": "e", "is": "embedding", "ops": [["transpose", [2, 0, 1]]] }"#)
      },
      .init("a part of another size than the tensor has room for") {
        try $0.bound(#"{ "name": "e", "weave": { "axis": 0, "parts": [["embedding", 7]] } }"#)
      },
      .init("parts side by side on an axis that they have not") {
        try $0.bound(#"{ "name": "e", "weave": { "axis": 5, "parts": [["embedding", 7]] } }"#)
      },
      .init("an unknown type of a key") {
        try $0.key(#"{ "key": "a", "fact": "hidden", "as": "u99" }"#)
      },
      .init("an unknown part of a file") {
        try $0.layout(rule: #"{ "part": "m2rnn/tensor", "place": "m2rnn." }"#, parts: .builtIn)
      },
      .init("a part whose rules name a place, without one") {
        try $0.layout(rule: #"{ "part": "m2rnn/tensors" }"#, parts: .builtIn)
      },
      .init("a part whose rules name no place, with one") {
        try $0.layout(rule: #"{ "part": "qwen3/mtp", "place": "mtp." }"#, parts: .builtIn)
      },
      .init("a change of a rule that the part does not have") {
        let use = #"{ "part": "qwen3/mtp", "but": { "mtp.fc": null } }"#
        return try $0.layout(rule: use, parts: .builtIn)
      },
      .init("a key that is missing") { try $0.rule(#"{ "is": "embedding" }"#) },
      .init("a place in a name that its parts have not") {
        try $0.rule(#"{ "name": "e{layer}", "is": "embedding" }"#)
      },
      .init("an unknown place in a name") {
        try $0.rule(#"{ "name": "e{rank}", "is": "embedding" }"#)
      },
      .init("a brace that is not closed") {
        try $0.rule(#"{ "name": "e{layer", "is": "mixer_norm" }"#)
      },
      .init("axes that are none") {
        try $0.rule(#"{ "name": "e", "is": "embedding", "ops": [["transpose", [0, 0]]] }"#)
      },
      .init("an unknown step") {
        try $0.rule(#"{ "name": "e", "is": "embedding", "ops": [["flip", 0]] }"#)
      },
      .init("an unknown type") {
        try $0.rule(#"{ "name": "e", "is": "embedding", "dtype": "F33" }"#)
      },
      .init("a condition that is none") {
        try $0.rule(#"{ "name": "e", "is": "embedding", "when": "a & " }"#)
      },
      .init("a size that is none") {
        try $0.rule(
          ##"{ "name": "{layer}", "weave": { "axis": 0, "parts": [["gdn.q", "nk-1"]] } }"##)
      },
      .init("a fact of the model for some layers") {
        let indices = #"{ "first": 0, "set": { "tied": true }, "others": { "tied": false } }"#
        return try $0.key(#"{ "key": "a", "indices": "# + indices + " }")
      },
      .init("an unknown fact of a key") { try $0.key(#"["vocab_size", "vocabulery"]"#) },
      .init("an unknown map") {
        try $0.key(#"{ "key": "a", "fact": "hidden", "map": "nowhere" }"#)
      },
      .init("a value of the wrong kind") { try $0.key(#"{ "key": "a", "cases": [[1]] }"#) },
      .init("unknown alternatives") { try $0.key(#"{ "key": "a", "alternatives": "nowhere" }"#) },
      .init("an unknown section") { try $0.layout(top: #""tensor": [],"#) },
      .init("an unknown fact of the meaning") {
        try $0.layout(semantics: #"{ "model": { "norm.epsilon": 1 } }"#)
      },
      .init("a word that the meaning cannot be") {
        try $0.layout(semantics: #"{ "model": { "norm": "rms_norm" } }"#)
      },
      .init("a text in place of a number") {
        try $0.key(#"{ "key": "a", "cases": [["x", { "gdn.taps": "four" }]] }"#)
      },
      .init("an unknown part") { try $0.layout(top: #""use": ["nowhere"],"#) },
      .init("an unknown program file") {
        try $0.layout(top: #""code": [{ "file": "nowhere.py", "when": "mixer=m2rnn" }],"#)
      },
    ])

  /// Layout files that are read at run time, and what the check finds.
  static let runtimeLayouts = MessageSection(
    "Layout files of one's own",
    [
      .init("an unknown symbol in a size") {
        try $0.checked(#""groups": "tp""#, #""groups": "pt""#)
      },
      .init("more steps than a tensor may have") {
        let steps = Array(repeating: #"["unit", 1]"#, count: 17).joined(separator: ", ")
        return try $0.checked(#"["unit", 1]"#, steps)
      },
      .init("a size that no model divides by") { try $0.checked(#""I/tp""#, #""I/7""#) },
      .init("two keys with one name") { try $0.checked(#""num_layers""#, #""hidden_size""#) },
      .init("one word for two kinds of layers") { try $0.checked("[1, {", "[0, {") },
      .init("an interval without its key") {
        try $0.checked(
          "[1, { \"mixer\": \"attention\" }]]",
          "[1, { \"mixer\": \"attention\" }]], \"only_interval\": true, "
            + "\"interval\": { \"default\": 4, \"every\": 1, \"other\": 0 }")
      },
      .init("a tensor without a rule") {
        try $0.checked(#"{ "name": "decoder.final_layernorm.weight", "is": "final_norm" },"#, "")
      },
      .init("a rule for a tensor that is not there") { try $0.checked(#""when": "!tied", "#, "") },
      .init("a layout that asks for another name than it writes") {
        try $0.checked(#"["packed_tp"]"#, #"["other"]"#)
      },
      .init("a shift that drowns the values") {
        try $0.checked(
          #""is": "mixer_norm" }"#, #""is": "mixer_norm", "ops": [["shift", 1e30]] }"#)
      },
      .init("a rule whose parts are all left out") {
        try $0.checked(
          #"["mlp.gate", "I/tp"], ["mlp.up", "I/tp"]"#,
          #"["mlp.gate", "I/tp", { "when": "norm=layernorm" }]"#)
      },
      .init("the id of a built-in layout") { try $0.checked("packed-tp", "qwen3_5") },
      .init("two parts of one name") { shop in
        try shop.folder(["x.json": LayoutExample.text])
        try shop.folder(
          [
            "a.json":
              #"{ "part": "m2rnn", "about": "X.", "lists": { "keys": [] } }"#
          ], in: "mine/parts")
        return try shop.graft("formats", "--formats", "mine")
      },
      .init("a file in place of a folder") { shop in
        try shop.file("x.json", LayoutExample.text.utf8)
        return try shop.graft("formats", "--formats", "x.json")
      },
      .init("a folder without layout files") { shop in
        try shop.folder(["x.txt": ""])
        return try shop.graft("formats", "--formats", "mine")
      },
      .init("a name of no built-in layout") { try $0.graft("formats", "--show", "qwen3_6") },
    ])
}

extension Workshop {
  /// Checks the example of the specification with one fault.
  fileprivate func checked(_ old: String, _ new: String) throws -> Message {
    try file("x.json", LayoutExample.text(replacing: old, with: new))
    return try graft("formats", "--check", "x.json")
  }

  /// Writes a folder of layout files.
  fileprivate func folder(_ files: [String: String], in name: String = "mine") throws {
    try FileManager.default.createDirectory(
      atPath: folder.path.appending(name).string, withIntermediateDirectories: true)
    for (file, text) in files { try self.file("\(name)/\(file)", text.utf8) }
  }

  fileprivate func rule(_ rule: String) throws -> Message { try layout(rule: rule) }

  /// Binds small layouts to a model and checks the embedding.
  fileprivate func bound(_ rules: String) throws -> Message {
    let bytes = bytes(rule: rules)
    return try thrown {
      let layout = try LayoutCatalogue(files: [(name: "x.json", bytes: bytes)]).layouts[0]
      let binding = try LayoutBinding(layout, GeneratedModel.configuration(seed: 1))
      let shape = binding.tensors.first?.shape ?? []
      return try binding.check(stored: ["e": (.f32, shape)], file: "model")
    }
  }

  fileprivate func key(_ key: String) throws -> Message { try layout(key: key) }

  /// Reads a small layout file with one fault.
  fileprivate func layout(
    top: String = "", rule: String = #"{ "name": "e", "is": "embedding" }"#,
    key: String = #"["vocab_size", "vocabulary"]"#, semantics: String = "{}",
    parts: LayoutParts = LayoutParts([])
  ) throws -> Message {
    let bytes = bytes(top: top, rule: rule, key: key, semantics: semantics)
    return try thrown {
      try LayoutCatalogue(files: [(name: "x.json", bytes: bytes)], parts: parts).layouts
    }
  }

  fileprivate func bytes(
    top: String = "", rule: String = #"{ "name": "e", "is": "embedding" }"#,
    key: String = #"["vocab_size", "vocabulary"]"#, semantics: String = "{}"
  ) -> [UInt8] {
    let text = """
      { "layout": "x", "about": "X.", "version": 1, \(top) "detect": {}, "semantics": \(semantics),
        "config": { "keys": [\(key)] }, "tensors": [\(rule)] }
      """
    return Array(text.utf8)
  }
}
