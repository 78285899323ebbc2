import Diagnostics

/// The tensors that libraries store for a packed weight. They show whether one weight was packed in two
/// ways.
enum Companions {
  private static let codes = [".weight", ".weight_packed", ".qweight"]
  private static let scales = [
    ".scales", ".weight_scale", ".weight_scale_inv", ".SCB", ".weight.absmax",
  ]

  /// Refuses a module that has the codes or the scales of another packing too.
  /// - Throws: `Problem` of kind `invalid` naming them.
  static func refuseOthers(
    of module: String, _ code: String, _ scale: String, _ part: (String) -> PackedPart?
  ) throws {
    let other = (codes + scales).first { $0 != code && $0 != scale && part($0) != nil }
    guard let other else { return }
    throw twice(
      module + code, expected: "codes \(code) with scales \(scale) alone",
      found: "\(other) beside them")
  }

  /// One weight that is packed in two ways.
  static func twice(_ tensor: String, expected: String, found: String) -> Problem {
    Problem(
      .invalid, "one weight is packed in two ways", tensor: tensor, expected: expected,
      found: found, remedy: PackedPart.remedy)
  }
}
