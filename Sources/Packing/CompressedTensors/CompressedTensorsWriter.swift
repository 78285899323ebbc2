import JSON
import Tensors

/// Writes codes into the parts of compressed-tensors.
struct CompressedTensorsWriter: PackingWriter {
  /// The forms that a config of before describes, each with the words of its group.
  private let claimed: [(form: CompressedTensorsForm, entry: JSONValue)]

  init(claim: JSONValue?) throws {
    let groups = claim?["config_groups"]?.object?.entries.map(\.value) ?? []
    claimed = try groups.flatMap { group -> [(form: CompressedTensorsForm, entry: JSONValue)] in
      var entry = group.object ?? [:]
      entry["targets"] = nil
      entry["format"] = group["format"] ?? claim?["format"]
      let alone: JSONValue = ["config_groups": ["group_0": group]]
      let forms = try CompressedTensorsClaim(alone).forms
      return forms.map { ($0, .object(entry)) }.filter {
        $0.0.storage.fits(entry["format"]?.string)
      }
    }
  }

  func weight(_ rows: any CodedRows, _ module: String, _ type: ScalarType?) throws
    -> RecodedWeight
  {
    let forms = claimed + ownForms(of: rows).map { ($0, $0.entry) }
    let candidates = forms.flatMap { form in
      codedForms(form.form, rows, type).map { (form: form.form, entry: form.entry, coded: $0) }
    }
    let fitting = try recoded(rows, as: candidates.map(\.coded), for: "compressed-tensors")
    guard let chosen = candidates.first(where: { $0.coded == fitting.form }) else {
      throw RecodingObstacle("a form of compressed-tensors", rows.form.text)
    }
    return try weight(fitting, module, chosen.form, chosen.entry)
  }

  /// The forms of the library that are nearest to that of a weight.
  private func ownForms(of rows: any CodedRows) -> [CompressedTensorsForm] {
    let (form, columns) = (rows.form, rows.inputs)
    func made(
      _ storage: CompressedTensorsForm.Storage, _ sharing: ScaleSharing, isSymmetric: Bool = true
    ) -> CompressedTensorsForm {
      .init(storage: storage, bits: form.bits, sharing: sharing, isSymmetric: isSymmetric)
    }
    let sharing: ScaleSharing = form.group >= columns ? .channel : .group(form.group)
    switch (form.codes, form.scales) {
    case (.integers, .float):
      return [made(.packed, sharing), made(.packed, sharing, isSymmetric: false)]
    case (.float4, .exponent): return [made(.mxfp4, .group(32))]
    case (.float4, .float8): return [made(.nvfp4, .group(16))]
    case (.float8, .exponent): return [made(.mxfp8, .group(32))]
    case (.float8, .float):
      return form.group >= columns
        ? [made(.float8, .tensor), made(.float8, .channel)]
        : [made(.float8, .block(.init(rows: 128, columns: 128)))]
    default: return []
    }
  }

  /// What a form of the library is for a weight; nothing for one of other codes.
  private func codedForms(
    _ form: CompressedTensorsForm, _ rows: any CodedRows, _ type: ScalarType?
  ) -> [CodedForm] {
    guard form.storage.codes(form.bits) == rows.form.codes else { return [] }
    var coded = rows.form
    coded.group = form.sharing.columns(of: rows.shape).size
    coded.rows =
      switch form.sharing {
      case .tensor: rows.matrixRows
      case .channel, .group: 1
      case .block(let block): block.rows
      }
    coded.global = form.storage == .nvfp4 ? .divided : .none
    if case .integers(let bits) = coded.codes {
      coded.offset = form.isSymmetric ? .zero(1 << (bits - 1)) : .zeros
    }
    guard let own = coded.scaleType else { return [coded] }
    return types(type, own, .f32).map { type in
      var typed = coded
      typed.scales = .float(type)
      return typed
    }
  }

  private func weight(
    _ rows: RecodedRows, _ module: String, _ form: CompressedTensorsForm, _ entry: JSONValue
  ) throws -> RecodedWeight {
    let writer = PartWriter(rows: rows)
    let name = module + ".weight"
    let type = rows.form.scaleType ?? (rows.form.scales == .float8 ? .f8E4M3 : .u8)
    let codes =
      switch form.storage {
      case .packed: writer.codes(name + "_packed", .i32)
      case .nvfp4, .mxfp4: writer.codes(name + "_packed", .u8)
      case .integers: writer.codes(name, .i8, flipping: 0x80)
      case .float8, .mxfp8: writer.codes(name, .f8E4M3)
      }
    let isOne = form.sharing == .tensor && rows.matrices == 1
    var parts = [codes, writer.scales(name + "_scale", type, shape: isOne ? [1] : nil)]
    if form.storage == .packed {
      parts.append(.integers(name + "_shape", rows.shape))
      if !form.isSymmetric { parts.append(zeros(name + "_zero_point", rows)) }
      if let index = rows.form.index { parts.append(.index(name + "_g_idx", index)) }
    } else if !form.isSymmetric {
      throw RecodingObstacle(
        "codes in words, beside which zero points are packed", "codes of a byte")
    }
    if form.storage == .nvfp4 {
      let outer = Array(rows.shape.dropLast(2))
      parts.append(try writer.globals(name + "_global_scale", shape: outer.isEmpty ? [1] : outer))
    }
    return .init(
      parts: parts,
      scheme: PackingScheme(
        method: "compressed-tensors \(form.storage.name)", bits: form.bits,
        group: form.sharing.groupSize),
      entry: entry)
  }

  /// Zero points, which are packed along the rows, counted from the code in the middle.
  private func zeros(_ name: String, _ rows: RecodedRows) -> PackedPart {
    let (groups, width, inMatrix) = (rows.groups, rows.form.bits, rows.matrixRows)
    let words = PackedZeros.words(rows: inMatrix, width: width)
    let region = LineBytes.region(lines: rows.matrices * words, length: groups * 4) {
      lines, place in
      for line in lines {
        let (matrix, word) = line.quotientAndRemainder(dividingBy: words)
        let needed = StandingStreams.codes(in: word..<word + 1, of: inMatrix, width: width)
        let first = matrix * inMatrix + needed.lowerBound
        try rows.withTerms(first..<first + needed.count) { _, offsets in
          StandingStreams.pack(
            word..<word + 1, of: inMatrix, streams: groups, width: width,
            into: place + (line - lines.lowerBound) * groups * 4
          ) { row, group in UInt8(offsets[(row - needed.lowerBound) * groups + group]) }
        }
      }
    }
    return PackedPart(
      name: name, type: .i32, shape: Array(rows.shape.dropLast(2)) + [words, groups], region: region
    )
  }

  func claim(_ entries: [String: JSONValue], _ plain: [String], _ named: Set<String>) throws
    -> JSONValue
  {
    let common = commonEntry(entries)
    let forms = Set(entries.values).sorted {
      ($0 != common ? 1 : 0, $0.text(indent: 0)) < ($1 != common ? 1 : 0, $1.text(indent: 0))
    }
    var groups: JSONObject = [:]
    for (number, form) in forms.enumerated() {
      var group = form.object ?? [:]
      let modules = entries.filter { $0.value == form }.keys.sorted()
      let others = form == common ? modules.filter(named.contains) : modules
      group["targets"] = .array((form == common ? ["Linear"] : []) + others.map { .string($0) })
      groups["group_\(number)"] = .object(group)
    }
    let formats = Set(forms.compactMap { $0["format"] })
    return .object([
      "quant_method": "compressed-tensors",
      "format": formats.count == 1 ? formats.first ?? .null : "mixed-precision",
      "quantization_status": "compressed", "config_groups": .object(groups),
      "ignore": .array(plain.map { .string($0) }),
    ])
  }
}
