import JSON
import Opening
import Reports
import Tensors

/// What `inspect` reports about a checkpoint with packed weights.
struct PackedSummary {
  private let source: PackedCheckpoint

  private let beside: SidecarSummary
  private let signs: [ValueSign]

  /// - Throws: `Problem` of kind `io` where values cannot be read.
  init(_ source: PackedCheckpoint) throws {
    self.source = source
    beside = SidecarSummary(source.checkpoint)
    signs = try source.signs()
  }

  private var byteCount: Int { source.checkpoint.byteCount }

  private var types: [(type: ScalarType, tensors: Int)] {
    ScalarType.allCases.compactMap { type in
      let count = source.checkpoint.tensors.filter { $0.type == type }.count
      return count > 0 ? (type, count) : nil
    }
  }

  var json: JSONObject {
    let layers = source.model?.configuration.layers ?? []
    return [
      "layout": source.model.map { .string($0.layout) } ?? .null,
      "directory": .string(source.checkpoint.directory.string),
      "quantisation": [
        "method": .string(source.packed.method),
        "bits": source.packed.bits.map { JSONValue($0) } ?? .null,
        "bit_widths": .array(source.packed.widths.map { JSONValue($0) }),
        "evidence": .string(source.packed.evidence), "readable": false,
      ],
      "bytes": JSONValue(byteCount),
      "dtypes": .object(JSONObject(types.map { ($0.type.rawValue, JSONValue($0.tensors)) })),
      "tensors": JSONValue(source.checkpoint.tensors.count),
      "shards": .array(source.checkpoint.shards.map { .string($0.fileName) }),
      "signs": .array(signs.map { .object($0.json) }),
      "beside": .array(beside.json.map { .object($0) }),
      "layers": .array(layers.map { ["mixer": .string($0.mixer.kind)] }),
    ]
  }

  /// The same on a page.
  func page(_ sections: [Page.Section]) -> Page {
    let lines = text(verbose: true)
    return Page(
      source.checkpoint.directory.string,
      Page.Verdict(.plain, "packed", "weights are recognised but not read"),
      [Page.Section("What is known", [.lines(lines.dropFirst().map { String($0.dropFirst(2)) })])]
        + sections)
  }

  func text(verbose: Bool) -> [String] {
    let checkpoint = source.checkpoint
    var lines = [
      "\(checkpoint.directory.string): packed weights, recognised but not read",
      "  quantised   \(source.packed.text), as \(source.packed.evidence) tells",
    ]
    if let (layout, configuration) = source.model {
      lines += [
        "  model       config and names like layout \(layout): \(configuration.layers.count) layers, "
          + "hidden \(configuration.hidden), vocabulary \(configuration.vocabulary)",
        "  layer map   \(configuration.layers.map(\.mixer.mark).joined(separator: " "))",
      ]
    }
    lines += [
      "  stored      \(Quantity.of(checkpoint.tensors.count, "tensor")), "
        + "\(Quantity.bytes(byteCount)) in \(Quantity.of(checkpoint.shards.count, "file"))",
      "  dtypes      "
        + types.map { "\($0.type.rawValue) × \($0.tensors)" }.joined(separator: ", "),
    ]
    lines += signs.enumerated().map { ($0 == 0 ? "  values      " : "              ") + $1.line }
    lines += beside.lines.map { "  beside      " + $0 }
    guard verbose else { return lines }
    return lines
      + checkpoint.tensors.map {
        "  \($0.name)  \($0.type.rawValue) \(TensorShape.text($0.shape))"
      }
  }
}
