import JSON
import Tensors

/// Writes codes into the parts of MLX.
struct MLXWriter: PackingWriter {
  private let claimed: [String: JSONValue]
  private static let affineBits = [2, 3, 4, 5, 6, 8]
  /// The values of a group, the larger ones first: they need fewer scales.
  private static let groups = [128, 64, 32]

  init(claim: JSONValue?) throws {
    var entries: [String: JSONValue] = [:]
    for (name, value) in claim?.object?.entries ?? [] where value.object != nil {
      entries[name] = value
    }
    entries[""] = claim
    claimed = entries
  }

  func weight(_ rows: any CodedRows, _ module: String, _ type: ScalarType?) throws
    -> RecodedWeight
  {
    let candidates = forms(of: rows, module)
    let fitting = try recoded(rows, as: candidates.map(\.coded), for: "MLX")
    guard let form = candidates.first(where: { $0.coded == fitting.form })?.form else {
      throw RecodingObstacle("a form of MLX", rows.form.text)
    }
    return try weight(fitting, module, form)
  }

  private typealias Candidate = (form: MLXForm, coded: CodedForm)

  /// The forms that codes may have here, the likelier ones first.
  private func forms(of rows: any CodedRows, _ module: String) -> [Candidate] {
    var form = rows.form
    (form.rows, form.index) = (1, nil)
    switch (form.codes, form.scales) {
    case (.integers(let bits), .float(let own)) where Self.affineBits.contains(bits):
      return sizes(of: rows, module).flatMap { size in
        types(own, .f32).map { type in
          let coded = CodedForm(
            codes: form.codes, group: size, scales: .float(type), offset: .biases(type))
          return (MLXForm(.affine, bits: bits, group: size), coded)
        }
      }
    case (.float4, .exponent): return [floats(.mxfp4, form, .none)]
    case (.float8, .exponent): return [floats(.mxfp8, form, .none)]
    case (.float4, .float8):
      // Only experts in one tensor have scales of their matrices.
      return [floats(.nvfp4, form, .none)]
        + (rows.shape.count > 2 ? [floats(.nvfp4, form, .amax)] : [])
    default: return []
    }
  }

  private func floats(_ mode: MLXForm.Mode, _ form: CodedForm, _ global: CodedForm.Global)
    -> Candidate
  {
    var mlx = MLXForm(mode)
    mlx.hasGlobalScale = global != .none
    return (
      mlx,
      CodedForm(
        codes: form.codes, group: mlx.group, scales: form.scales, offset: .none, global: global)
    )
  }

  /// The values of a group that a config of before names, then that of the weight, then smaller ones.
  private func sizes(of rows: any CodedRows, _ module: String) -> [Int] {
    let said = (claimed[module] ?? claimed[""])?["group_size"]?.int
    let fitting = Self.groups.first {
      rows.inputs % $0 == 0 && (rows.form.group % $0 == 0 || rows.form.group >= rows.inputs)
    }
    return [said, fitting].compactMap(\.self).filter {
      Self.groups.contains($0) && rows.inputs % $0 == 0
    }
  }

  private func weight(_ rows: RecodedRows, _ module: String, _ form: MLXForm) throws
    -> RecodedWeight
  {
    let writer = PartWriter(rows: rows)
    let type = rows.form.scaleType ?? .u8
    var parts = [
      writer.codes("\(module).weight", .u32), writer.scales("\(module).scales", type),
    ]
    if form.mode == .affine { parts.append(writer.offsets("\(module).biases", type)) }
    if form.hasGlobalScale {
      parts.append(
        try writer.globals("\(module).global_scale", shape: Array(rows.shape.dropLast(2))))
    }
    return .init(
      parts: parts,
      scheme: PackingScheme(
        method: "MLX \(form.mode.rawValue)", bits: form.bits, group: form.group),
      entry: form.entry)
  }

  func claim(_ entries: [String: JSONValue], _ plain: [String], _ named: Set<String>) throws
    -> JSONValue
  {
    // A matrix has no scale of its own unless its module says so.
    let common = commonEntry(entries.filter { $0.value["global_scale"] == nil })
    var claim = (common ?? MLXForm(.nvfp4).entry).object ?? [:]
    for (module, entry) in entries.sorted(by: { $0.key < $1.key }) where entry != common {
      claim[module] = entry
    }
    return .object(claim)
  }
}

extension MLXForm {
  /// What a config says of the form.
  fileprivate var entry: JSONValue {
    var entry: JSONObject = [
      "group_size": JSONValue(group), "bits": JSONValue(bits), "mode": .string(mode.rawValue),
    ]
    if hasGlobalScale { entry["global_scale"] = .bool(true) }
    return .object(entry)
  }
}
