import JSON
import Tensors

/// Writes codes into the parts of AWQ.
struct AWQWriter: PackingWriter {
  private let claim: JSONValue?
  private let options: ColumnClaim?

  init(claim: JSONValue?) throws {
    self.claim = claim
    options = try claim.map { try ColumnClaim($0) }
  }

  func weight(_ rows: any CodedRows, _ module: String, _ type: ScalarType?) throws
    -> RecodedWeight
  {
    guard rows.shape.count == 2, rows.rowCount % 8 == 0, rows.form.bits == 4 else {
      throw RecodingObstacle(
        "matrices of codes of 4 bits with a multiple of 8 outputs", rows.form.text)
    }
    let size = options?.group(of: module).map { $0 == -1 ? rows.inputs : $0 } ?? rows.form.group
    let form = CodedForm(
      codes: .integers(bits: 4), group: size, scales: .float(.f16), offset: .zeros)
    let forms = types(.f16, rows.form.scaleType).map { type in form.with(scales: type) }
    let fitting = try recoded(rows, as: forms, for: "AWQ")
    guard rows.inputs % size == 0 else {
      throw RecodingObstacle("groups that divide rows", "groups of \(size)")
    }
    let writer = ColumnWriter(rows: fitting)
    let parts = [
      writer.awqCodes("\(module).qweight"), writer.awqZeros("\(module).qzeros"),
      writer.scales("\(module).scales"),
    ]
    return .init(
      parts: parts,
      scheme: PackingScheme(method: "AWQ", bits: 4, group: size == rows.inputs ? nil : size),
      entry: ["bits": 4, "group_size": JSONValue(size)])
  }

  func claim(_ entries: [String: JSONValue], _ plain: [String], _ named: Set<String>) throws
    -> JSONValue
  {
    if var claim = claim?.object {
      claim["quant_method"] = claim["quant_method"] ?? "awq"
      return .object(claim)
    }
    let entry = try onlyEntry(entries, of: "AWQ")
    return .object([
      "quant_method": "awq", "bits": 4, "group_size": entry["group_size"] ?? .null,
      "version": "gemm", "zero_point": true,
      "modules_to_not_convert": .array(plain.map { .string($0) }),
    ])
  }
}
