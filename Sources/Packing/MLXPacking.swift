import Diagnostics
import JSON
import Tensors

/// The packing of MLX: `mlx_lm.convert --quantize` in all its modes.
///
/// ```
/// P.weight  U32 [.., N, K·bits/32]   each row a little-endian bit stream
/// affine                  P.scales, P.biases [.., N, K/group]      value = code · scale + bias
/// mxfp4, mxfp8            P.scales U8 [.., N, K/32], exponents     value = float · 2^(scale - 127)
/// nvfp4                   P.scales U8 [.., N, K/16], E4M3          value = float · scale
/// nvfp4 with a scale of each expert   P.global_scale F32 [E]       … · (scale · (global / 2688))
/// ```
public struct MLXPacking: PackingMethod {
  /// Scales stand beside every packed weight.
  public static let anchors = [".scales"]

  private let options: MLXOptions

  /// MLX's packing as a config's `quantization` describes it.
  public init(claim: JSONValue?) throws { options = try MLXOptions(claim) }

  /// The packed weight of a module.
  public func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
  {
    guard let codes = part(".weight"), codes.type == .u32 else { return nil }
    try Companions.refuseOthers(of: module, ".weight", ".scales", part)
    let scales = try PackedPart.required(part(".scales"), module + ".scales")
    let stored = try Stored(
      codes: codes.filled(axes: 2...8), scales: scales.filled(axes: 2...8),
      biases: part(".biases"), global: part(".global_scale"))
    return try stored.weight(options.of(module, stored))
  }

  /// The parts of one weight.
  struct Stored {
    let codes: PackedPart
    let scales: PackedPart
    let biases: PackedPart?
    let global: PackedPart?

    /// The bits that the codes of one scale occupy, computed from the shapes; nil where the shapes do not
    /// fit each other.
    var groupBits: Int? {
      let (bits, rest) = ((codes.shape.last ?? 0) * 32).quotientAndRemainder(
        dividingBy: scales.shape.last ?? 1)
      return rest == 0 ? bits : nil
    }

    func weight(_ form: MLXForm) throws -> any PackedWeight {
      _ = try scales.shaped(codes.outer + scales.shape.suffix(1))
      guard groupBits == form.group * form.bits else {
        throw codes.disagreement(
          expected: "\(form.bits) bits in groups of \(form.group), as the config says",
          found: "shape \(TensorShape.shortText(codes.shape)) with scales "
            + TensorShape.shortText(scales.shape))
      }
      let columns = (scales.shape.last ?? 0) * form.group
      return GroupedWeight(
        shape: codes.outer + [columns],
        scheme: form.scheme,
        parts: [codes, scales] + [biases, global].compactMap(\.self),
        codes: CodeRows(
          region: codes.region, rowBytes: (codes.shape.last ?? 0) * 4, kind: form.codeKind),
        scales: try numbers(scales, form), offset: try offset(form),
        columnGroups: ColumnGroups(size: form.group))
    }

    private func numbers(_ part: PackedPart, _ form: MLXForm) throws -> GroupScales {
      let kind: GroupScales.Kind =
        switch form.mode {
        case .affine: .float(try part.of(.f32, .bf16, .f16).type)
        case .mxfp4, .mxfp8: .power
        case .nvfp4: .float(.f8E4M3)
        }
      if form.mode != .affine { _ = try part.of(.u8) }
      return GroupScales(
        region: part.region, kind: kind, count: part.shape.last ?? 1,
        rows: (all: codes.shape.dropLast().last ?? 1, shared: 1), global: try globalScale(form))
    }

    /// The name of a part beside the scales.
    private func name(_ end: String) -> String {
      String(scales.name.dropLast("scales".count)) + end
    }

    private func globalScale(_ form: MLXForm) throws -> GroupScales.Global? {
      guard let global else {
        if form.hasGlobalScale { _ = try PackedPart.required(nil, name("global_scale")) }
        return nil
      }
      guard form.mode == .nvfp4 else {
        throw global.disagreement(expected: "mode nvfp4", found: "mode \(form.mode.rawValue)")
      }
      return .amax(try global.of(.f32).ofMatrices(Array(codes.shape.dropLast(2))).region)
    }

    private func offset(_ form: MLXForm) throws -> GroupedWeight.Offset? {
      guard form.mode == .affine else {
        if let biases {
          throw biases.disagreement(
            expected: "no biases, as in mode \(form.mode.rawValue)", found: "biases")
        }
        return nil
      }
      let biases = try PackedPart.required(biases, name("biases")).shaped(scales.shape)
      return .bias(try numbers(biases, form))
    }
  }
}
