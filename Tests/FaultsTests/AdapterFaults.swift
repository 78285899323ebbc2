import Adapters
import GraftTestSupport
import JSON
import Opening
import SystemPackage
import Testing

/// Ways to merge an adapter wrong: the part `adapters` of `fixtures/faults.json`.
struct AdapterFault: Sendable, CustomTestStringConvertible {
  let id: String
  /// The adapter, one of the fixtures or the one that is made here.
  let adapter: String
  /// The adapter that is merged behind it; nil for none.
  let second: String?
  /// What is done to its files.
  let step: String
  /// The tensors that it is done to.
  let place: String
  /// The first layer that has to be named, the embedding counting as part of layer 0; nil where nothing is run.
  let layer: Int?
  /// Parts of the names of all tensors that differ; `all` for those with a product, none for that of the place.
  let tensors: [String]
  /// Part of a name that the refusal has to say; nil where it is not refused.
  let refused: String?
  private let line: JSONValue

  var testDescription: String { id }

  init(_ line: JSONValue) {
    self.line = line
    id = line["id"]?.string ?? ""
    adapter = line["adapter"]?.string ?? ""
    second = line["second"]?.string
    step = line["do"]?.string ?? ""
    place = line["of"]?.string ?? ""
    layer = line["layer"]?.int
    tensors = line["tensors"]?.array?.compactMap(\.string) ?? [place]
    refused = line["refused"]?.string
  }

  /// All ways.
  static let all = (FaultCatalogue.file["adapters"]?.array ?? []).map(AdapterFault.init)

  /// The adapter with the fault in it.
  func plant(in files: inout AdapterFiles) {
    let names = files.weights.tensors.map(\.name).filter { ($0 + ".").contains(place + ".") }
    switch step {
    case "settings":
      for (key, value) in line["with"]?.object?.entries ?? [] { files.settings[key] = value }
    case "plain", "otherAxis":
      files.settings["use_dora"] = false
      files.weights.tensors.removeAll { $0.name.contains("lora_magnitude_vector") }
    case "drop": files.weights.tensors.removeAll { names.contains($0.name) }
    case "rename":
      let other = line["to"]?.string ?? ""
      files.edit(names) { $0.rename($0.name.replacing(place, with: other)) }
    case "exchange":
      files.edit(names) { tensor in
        tensor.transpose()
        let (a, b) = ("lora_A", "lora_B")
        let isA = tensor.name.contains(a)
        tensor.rename(tensor.name.replacing(isA ? a : b, with: isA ? b : a))
      }
    case "roll":
      files.edit(names) { $0.roll(by: line["by"]?.int ?? 1) }
    case "halves": files.edit(names) { $0.roll(by: $0.shape[0] / 2) }
    case "nextExpert":
      files.edit(names.filter { $0.contains(place + ".lora_A") }) { $0.roll(by: 1) }
      files.edit(names.filter { $0.contains(place + ".lora_B") }) {
        $0.transpose()
        $0.roll(by: 1)
        $0.transpose()
      }
    case "cut": files.edit(files.weights.tensors.map(\.name)) { $0.cut(to: 320) }
    default: break
    }
  }
}

/// The files of an adapter, in memory.
struct AdapterFiles {
  var settings: JSONObject
  var weights: PlainCheckpointFile

  private init(_ settings: JSONObject, _ weights: PlainCheckpointFile) {
    (self.settings, self.weights) = (settings, weights)
  }

  /// Those of a fixture, or of an adapter with which the vocabulary grows by three tokens.
  static func of(_ name: String) throws -> AdapterFiles {
    guard name == "resized" else { return try AdapterFiles(fixture: name) }
    let tensors = ["model.embed_tokens.weight", "lm_head.weight"].map { name in
      PlainCheckpointFile.Tensor(
        "base_model.model.\(name)", [323, 64], (0..<323 * 64).map { Float($0 % 7) / 8 })
    }
    return AdapterFiles(["peft_type": "LORA"], PlainCheckpointFile(tensors))
  }

  private init(fixture: String) throws {
    let folder = Fixtures.path("adapters/\(fixture)")
    let text = try JSONValue(
      parsing: Fixtures.contents(folder.appending("adapter_config.json")))
    self.init(
      text.object ?? [:],
      try PlainCheckpointFile(folder.appending("adapter_model.safetensors")))
  }

  mutating func edit(_ names: [String], _ body: (inout PlainCheckpointFile.Tensor) -> Void) {
    for place in weights.tensors.indices where names.contains(weights.tensors[place].name) {
      body(&weights.tensors[place])
    }
  }

  /// Writes the files and opens them.
  func opened(in folder: TemporaryDirectory, scale: Double = 1) throws -> Adapter {
    try folder.write("adapter_config.json", JSONValue.object(settings).text(indent: 0).utf8)
    try folder.write("adapter_model.safetensors", weights.bytes)
    return try Adapter(folder.path.string + "=\(scale)")
  }
}

extension PlainCheckpointFile.Tensor {
  /// How many bytes a value has.
  private var width: Int { bytes.count / max(shape.reduce(1, *), 1) }

  mutating func rename(_ name: String) { self = Self(name, type, shape, bytes) }

  /// Puts each row some places further.
  mutating func roll(by count: Int) {
    let shift = bytes.count / shape[0] * (count % shape[0])
    self = Self(name, type, shape, Array(bytes.suffix(shift) + bytes.dropLast(shift)))
  }

  mutating func cut(to rows: Int) {
    let kept = bytes.prefix(bytes.count / shape[0] * rows)
    self = Self(name, type, [rows] + shape.dropFirst(), Array(kept))
  }

  mutating func transpose() {
    let (rows, columns, width) = (shape[0], shape[1], width)
    var turned: [UInt8] = []
    for place in 0..<rows * columns {
      let start = (place % rows * columns + place / rows) * width
      turned += bytes[start..<start + width]
    }
    self = Self(name, type, [columns, rows], turned)
  }
}
