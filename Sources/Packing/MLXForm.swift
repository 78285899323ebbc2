import Diagnostics
import JSON

/// How MLX packed one weight, or shall pack it.
public struct MLXForm: Hashable, Sendable {
  /// What codes and scales are.
  public enum Mode: String, CaseIterable, Sendable { case affine, mxfp4, mxfp8, nvfp4 }

  /// What codes and scales are.
  public let mode: Mode
  /// The bits of a code.
  public let bits: Int
  /// The values that share a scale.
  public let group: Int
  /// Whether the config says that matrices have a scale of their own.
  var hasGlobalScale = false

  /// The default bits of a code and values of a group; in the float modes they are fixed.
  private static let standard: [Mode: (bits: Int, group: Int)] = [
    .affine: (4, 64), .mxfp4: (4, 32), .mxfp8: (8, 32), .nvfp4: (4, 16),
  ]
  private static let affineBits = [2, 3, 4, 5, 6, 8]
  /// The values of a group that MLX has kernels for.
  public static let affineGroups = [32, 64, 128]
  private static let largestGroup = 1 << 20

  /// A form, with the numbers of its mode where none are given.
  public init(_ mode: Mode, bits: Int? = nil, group: Int? = nil) {
    let standard = Self.standard[mode] ?? (4, 64)
    (self.mode, self.bits, self.group) = (mode, bits ?? standard.bits, group ?? standard.group)
  }

  /// The form that an object of the config describes.
  init(_ claim: JSONObject) throws {
    let name = claim["mode"]?.string ?? Mode.affine.rawValue
    guard let mode = Mode(rawValue: name) else {
      throw PackingClaim.unsupported("MLX", "mode \(name)")
    }
    self.init(
      mode, bits: try PackingClaim.number("bits", .object(claim)),
      group: try PackingClaim.number("group_size", .object(claim)))
    let standard = Self(mode)
    let isKnown =
      mode == .affine
      ? Self.affineBits.contains(bits) && 1...Self.largestGroup ~= group : self == standard
    if !isKnown {
      throw PackingClaim.impossible(
        mode == .affine
          ? "2, 3, 4, 5, 6 or 8 bits in groups"
          : "\(standard.bits) bits in groups of \(standard.group), as mode \(name) has them",
        "\(bits) bits in groups of \(group)")
    }
  }

  /// The form with what an object says of a scale for each matrix.
  fileprivate func scaled(_ flag: JSONValue?) -> MLXForm {
    var form = self
    form.hasGlobalScale = flag == .bool(true)
    return form
  }

  /// The form that the parts alone tell; nil where several have such parts.
  static func told(by stored: MLXPacking.Stored) -> MLXForm? {
    let forms =
      stored.scales.type == .u8
      ? Mode.allCases.filter { $0 != .affine }.map { MLXForm($0) }
      : affineBits.flatMap { bits in
        affineGroups.map { MLXForm(.affine, bits: bits, group: $0) }
      }
    let fitting = forms.filter { $0.bits * $0.group == stored.groupBits }
    return fitting.count == 1 ? fitting[0] : nil
  }

  /// The form as an object of a config.
  public var claim: JSONObject {
    ["group_size": JSONValue(group), "bits": JSONValue(bits), "mode": .string(mode.rawValue)]
  }

  /// The form as a scheme.
  var scheme: PackingScheme {
    PackingScheme(method: "MLX \(mode.rawValue)", bits: bits, group: group)
  }

  /// What a code is.
  var codeKind: CodeRows.Kind {
    switch mode {
    case .affine: .integers(width: bits, zero: 0)
    case .mxfp4, .nvfp4: .float4(.signedZero)
    case .mxfp8: .float8(.f8E4M3)
    }
  }
}

/// The forms of all modules, as a config says them.
struct MLXOptions: Sendable {
  /// What the config says of one module.
  private enum Entry { case form(MLXForm), base, plain }

  private let base: MLXForm?
  private let entries: [String: Entry]

  private static let options = ["group_size", "bits", "mode", "global_scale", "quant_method"]

  init(_ claim: JSONValue?) throws {
    guard let claim, !claim.isNull else {
      (base, entries) = (nil, [:])
      return
    }
    guard let object = claim.object else {
      throw PackingClaim.impossible("an object", claim.kindName)
    }
    base = try MLXForm(object)
    var entries: [String: Entry] = [:]
    for (name, value) in object.entries where !Self.options.contains(name) {
      entries[name] = try Self.entry(name, value)
    }
    self.entries = entries
  }

  private static func entry(_ name: String, _ value: JSONValue) throws -> Entry {
    switch value {
    case .object(let object): .form(try MLXForm(object).scaled(object["global_scale"]))
    case .bool(let isPacked): isPacked ? .base : .plain
    default:
      throw PackingClaim.unsupported("MLX", name)
    }
  }

  /// The form of a module.
  func of(_ module: String, _ stored: MLXPacking.Stored) throws -> MLXForm {
    switch entries[module] {
    case .form(let form): return form
    case .plain:
      throw stored.codes.disagreement(
        expected: "a plain weight, as the config says", found: "packed codes and scales")
    case .base, nil: break
    }
    guard let form = base ?? MLXForm.told(by: stored) else {
      throw Problem(
        .invalid, "nothing says how many bits a code has and how many values share a scale",
        tensor: stored.codes.name,
        expected: "quantization in config.json, with group_size and bits",
        found: "none", remedy: "put back the quantization that mlx_lm wrote into config.json")
    }
    return form
  }
}
