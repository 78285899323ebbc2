import JSON
import Tensors

/// Writes codes into the parts of ModelOpt.
struct ModelOptWriter: PackingWriter {
  func weight(_ rows: any CodedRows, _ module: String, _ type: ScalarType?) throws
    -> RecodedWeight
  {
    rows.form.codes == .float4 ? try float4(rows, module) : try float8(rows, module)
  }

  private func float4(_ rows: any CodedRows, _ module: String) throws -> RecodedWeight {
    let form = CodedForm(
      codes: .float4, group: rows.form.group, scales: .float8, offset: .none, global: .multiplied)
    let writer = PartWriter(rows: try recoded(rows, as: [form], for: "ModelOpt"))
    let name = "\(module).weight"
    return .init(
      parts: [
        writer.codes(name, .u8), writer.scales(name + "_scale", .f8E4M3),
        try writer.globals(name + "_scale_2", shape: Array(rows.shape.dropLast(2))),
      ], scheme: PackingScheme(method: "ModelOpt NVFP4", bits: 4, group: form.group),
      entry: ["quant_algo": "NVFP4", "group_size": JSONValue(form.group)])
  }

  private func float8(_ rows: any CodedRows, _ module: String) throws -> RecodedWeight {
    guard let own = rows.form.scaleType, rows.form.codes == .float8 else {
      throw RecodingObstacle("a form of ModelOpt", rows.form.text)
    }
    var tensor = CodedForm(
      codes: .float8, group: rows.inputs, scales: .float(own), offset: .none)
    let channel = tensor
    tensor.rows = rows.matrixRows
    let fitting = try recoded(rows, as: [tensor, channel], for: "ModelOpt")
    let writer = PartWriter(rows: fitting)
    let name = "\(module).weight"
    let shape = fitting.form == channel ? Array(rows.shape.dropLast()) : []
    return .init(
      parts: [writer.codes(name, .f8E4M3), writer.scales(name + "_scale", own, shape: shape)],
      scheme: PackingScheme(method: "ModelOpt FP8", bits: 8, group: nil),
      entry: ["quant_algo": fitting.form == channel ? "FP8_PER_CHANNEL_PER_TOKEN" : "FP8"])
  }

  func claim(_ entries: [String: JSONValue], _ plain: [String], _ named: Set<String>) throws
    -> JSONValue
  {
    let entry = commonEntry(entries) ?? [:]
    var claim = entry.object ?? [:]
    if Set(entries.values).count > 1 {
      claim = ["quant_algo": "MIXED_PRECISION"]
      claim["quantized_layers"] = .object(
        JSONObject(entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }
    claim["quant_method"] = "modelopt"
    claim["ignore"] = .array(plain.map { .string($0) })
    return .object(claim)
  }
}
