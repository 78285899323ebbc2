import Diagnostics
import Tensors

/// The parts of a weight as compressed-tensors stores it.
struct CompressedTensorsParts {
  let codes: PackedPart
  let scale: PackedPart
  let zero: PackedPart?
  let shape: PackedPart?
  let index: PackedPart?
  let global: PackedPart?

  /// The weight in the one of the claimed forms that its parts have; without a claim, in the form that the
  /// parts show.
  func weight(oneOf claimed: [CompressedTensorsForm]?) throws -> any PackedWeight {
    guard let storage = CompressedTensorsForm.Storage(of: self) else {
      throw Problem(
        .unsupported, "a weight has scales of compressed-tensors and is not packed",
        tensor: codes.name, expected: "I8, F8_E4M3, or packed codes", found: codes.type.rawValue,
        remedy: "save the checkpoint compressed")
    }
    let shape = try weightShape(storage)
    let forms = (claimed ?? told(storage, shape)).filter { $0.storage == storage }
    guard let first = forms.first else { throw misfit(claimed ?? []) }
    if forms.count == 1 { return try weight(first, shape) }
    guard let fitting = forms.lazy.compactMap({ try? weight($0, shape) }).first else {
      throw misfit(forms)
    }
    return fitting
  }

  private func misfit(_ forms: [CompressedTensorsForm]) -> Problem {
    codes.disagreement(
      expected: forms.isEmpty
        ? "a format that is read" : forms.map(\.text).joined(separator: ", or "),
      found: "\(codes.type.rawValue) \(TensorShape.shortText(codes.shape)) with scales "
        + "\(scale.type.rawValue) \(TensorShape.shortText(scale.shape))"
        + (zero == nil ? "" : " and zero points"))
  }

  /// The forms that shapes allow, the likelier ones first.
  private func told(_ storage: CompressedTensorsForm.Storage, _ shape: [Int])
    -> [CompressedTensorsForm]
  {
    let columns = shape.last ?? 1
    let widths =
      storage == .packed
      ? (1...8).filter { (columns * $0 + 31) / 32 == codes.shape.last } : [storage.bits]
    guard widths.count == 1 else { return [] }
    return sharings(storage, columns).map {
      CompressedTensorsForm(
        storage: storage, bits: widths[0], sharing: $0, isSymmetric: zero == nil)
    }
  }

  private func sharings(_ storage: CompressedTensorsForm.Storage, _ columns: Int) -> [ScaleSharing]
  {
    switch storage {
    case .nvfp4: return [.group(16)]
    case .mxfp4, .mxfp8: return [.group(32)]
    case .packed, .integers, .float8:
      let (size, rest) = columns.quotientAndRemainder(dividingBy: max(scale.shape.last ?? 1, 1))
      return [.tensor, .channel] + (rest == 0 ? [.group(size)] : [])
        + [.block(.init(rows: 128, columns: 128))]
    }
  }

  /// The shape of the values.
  private func weightShape(_ storage: CompressedTensorsForm.Storage) throws -> [Int] {
    switch storage {
    case .packed: return try storedShape()
    case .integers, .float8, .mxfp8: return codes.shape
    case .nvfp4, .mxfp4: return codes.outer + [(codes.shape.last ?? 0) * 2]
    }
  }

  /// The shape that stands beside packed integers, as far as it fits them.
  private func storedShape() throws -> [Int] {
    let name = String(codes.name.dropLast("packed".count)) + "shape"
    let part = try PackedPart.required(shape, name).of(.i64, .i32).shaped([codes.shape.count])
    let width = part.type == .i64 ? 8 : 4
    let shape = try part.region.withBytes { bytes in
      codes.shape.indices.map { index in
        width == 8
          ? Int(bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
          : Int(bytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
      }
    }
    // A code has at least one bit: a packed row cannot hold more codes than it has bits.
    guard shape.dropLast().elementsEqual(codes.outer), let columns = shape.last,
      1...(codes.shape.last ?? 0) * 32 ~= columns
    else {
      throw Problem(
        .invalid, "the shape beside packed codes does not fit them", tensor: part.name,
        expected: "the shape of a weight packed as \(TensorShape.shortText(codes.shape))",
        found: TensorShape.shortText(shape), remedy: PackedPart.remedy)
    }
    return shape
  }

  /// The weight in a form.
  func weight(_ form: CompressedTensorsForm, _ shape: [Int]) throws -> GroupedWeight {
    let columns = shape.last ?? 1
    if form.storage == .packed {
      let words = (columns * form.bits + 31) / 32
      guard codes.shape.last == words else {
        throw codes.disagreement(
          expected: "\(form.bits) bits, so rows of \(words) words",
          found: TensorShape.shortText(codes.shape))
      }
    }
    let scales = try numbers(form, shape)
    return GroupedWeight(
      shape: shape,
      scheme: PackingScheme(
        method: "compressed-tensors \(form.storage.name)", bits: form.bits,
        group: form.sharing.groupSize),
      parts: [codes, scale] + [zero, self.shape, index, global].compactMap(\.self),
      codes: CodeRows(
        region: codes.region, rowBytes: (codes.shape.last ?? 1) * (codes.type.byteWidth ?? 1),
        kind: form.storage.codeKind(form.bits)),
      scales: scales, offset: try offset(form, shape, scales.count),
      columnGroups: try groups(form, columns, scales.count) ?? form.sharing.columns(of: shape))
  }

  private func numbers(_ form: CompressedTensorsForm, _ shape: [Int]) throws -> GroupScales {
    let kind: GroupScales.Kind
    switch form.storage {
    case .packed, .integers, .float8: kind = .float(try scale.of(.f32, .bf16, .f16).type)
    case .nvfp4:
      _ = try scale.of(.f8E4M3, .u8)
      kind = .float(.f8E4M3)
    case .mxfp4, .mxfp8: kind = try scale.of(.u8, .f8E8M0).type == .u8 ? .power : .float(.f8E8M0)
    }
    var scales = try form.sharing.scales(scale, kind, of: shape)
    if form.storage == .nvfp4 { scales.global = .divided(by: try globalScale(shape)) }
    return scales
  }

  private func globalScale(_ shape: [Int]) throws -> ByteRegion {
    let name = String(scale.name.dropLast("scale".count)) + "global_scale"
    return try PackedPart.required(global, name).of(.f32).ofMatrices(Array(shape.dropLast(2)))
      .region
  }

  private func offset(_ form: CompressedTensorsForm, _ shape: [Int], _ groups: Int) throws
    -> GroupedWeight.Offset?
  {
    guard let zero else {
      if form.isSymmetric { return nil }
      throw codes.disagreement(
        expected: "zero points, as the config says that codes are not symmetric", found: "none")
    }
    guard zero.type == .i32, form.storage == .packed else {
      let kind: GroupScales.Kind =
        zero.type == .i8
        ? .signed : .float(try zero.of(.i8, .f32, .bf16, .f16, .f8E4M3).type)
      return .zero(try form.sharing.scales(zero, kind, of: shape))
    }
    if form.isSymmetric {
      throw zero.disagreement(
        expected: "no zero points, as the config says that codes are symmetric", found: "some")
    }
    let rows = shape[shape.count - 2]
    let words = PackedZeros.words(rows: rows, width: form.bits)
    _ = try zero.shaped(Array(shape.dropLast(2)) + [words, groups])
    return .packedZero(
      PackedZeros(
        region: zero.region, width: form.bits, zero: 1 << (form.bits - 1), count: groups, rows: rows
      ))
  }

  /// The group of each column where they were ordered by activations; nil where neighbours form groups.
  private func groups(_ form: CompressedTensorsForm, _ columns: Int, _ count: Int) throws
    -> ColumnGroups?
  {
    guard let index, let size = form.sharing.groupSize else { return nil }
    let groups = try GroupIndex.read(index, columns)
    if groups.allSatisfy({ $0 == -1 }) { return nil }
    try GroupIndex.check(groups, index, count)
    var members = [Int](repeating: 0, count: count)
    for group in groups { members[Int(group)] += 1 }
    guard members.allSatisfy({ $0 == size }) else {
      throw Problem(
        .invalid, "the groups of a packed weight are not equally large", tensor: index.name,
        expected: "\(size) columns in each",
        found: "from \(members.min() ?? 0) to \(members.max() ?? 0)",
        remedy: PackedPart.remedy)
    }
    return ColumnGroups(size: size, index: groups)
  }
}
