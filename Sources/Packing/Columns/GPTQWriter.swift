import JSON
import Tensors

/// Writes codes into the parts of GPTQ.
struct GPTQWriter: PackingWriter {
  private let claim: JSONValue?
  private let options: ColumnClaim?
  private let isFirstVersion: Bool
  private static let widths = [2, 3, 4, 8]

  init(claim: JSONValue?) throws {
    self.claim = claim
    options = try claim.map { try ColumnClaim($0) }
    isFirstVersion = try claim.map { try GPTQClaim($0).isFirstVersion } ?? false
  }

  func weight(_ rows: any CodedRows, _ module: String, _ type: ScalarType?) throws
    -> RecodedWeight
  {
    let (bits, form) = (rows.form.bits, rows.form)
    guard rows.shape.count == 2, Self.widths.contains(bits), rows.rowCount * bits % 32 == 0,
      rows.inputs * bits % 32 == 0
    else {
      throw RecodingObstacle(
        "matrices of codes of 2, 3, 4 or 8 bits, in whole words both ways", form.text)
    }
    let said = options?.group(of: module).map { $0 == -1 ? rows.inputs : $0 }
    let size = form.index == nil ? said ?? form.group : form.group
    var coded = CodedForm(
      codes: form.codes, group: size, scales: .float(.f16), offset: .zeros)
    coded.index = form.index
    let forms = types(.f16, form.scaleType).map { type in coded.with(scales: type) }
    let fitting = try recoded(rows, as: forms, for: "GPTQ")
    let writer = ColumnWriter(rows: fitting)
    let index = form.index ?? (0..<rows.inputs).map { Int32($0 / size) }
    return .init(
      parts: [
        writer.gptqCodes("\(module).qweight"),
        writer.gptqZeros("\(module).qzeros", isFirstVersion: isFirstVersion),
        writer.scales("\(module).scales"), .index("\(module).g_idx", index),
      ],
      scheme: PackingScheme(method: "GPTQ", bits: bits, group: size == rows.inputs ? nil : size),
      entry: [
        "bits": JSONValue(bits), "group_size": JSONValue(size),
        "desc_act": .bool(form.index != nil),
      ])
  }

  func claim(_ entries: [String: JSONValue], _ plain: [String], _ named: Set<String>) throws
    -> JSONValue
  {
    if var claim = claim?.object {
      claim["quant_method"] = claim["quant_method"] ?? "gptq"
      return .object(claim)
    }
    let sizes = entries.mapValues { entry in
      JSONValue.object(["bits": entry["bits"] ?? .null, "group_size": entry["group_size"] ?? .null])
    }
    let entry = try onlyEntry(sizes, of: "GPTQ")
    return .object([
      "quant_method": "gptq", "bits": entry["bits"] ?? .null,
      "group_size": entry["group_size"] ?? .null,
      "desc_act": .bool(entries.values.contains { $0["desc_act"] == .bool(true) }), "sym": false,
      "lm_head": false, "checkpoint_format": "gptq_v2", "pack_dtype": "int32",
    ])
  }
}
