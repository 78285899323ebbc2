import Canonical
import Diagnostics

extension Splice {
  /// The layers that a list on the command line names: `0,4`, ranges such as `0-3`, or `all` that can be
  /// replaced.
  /// - Throws: `Problem` of kind `usage` for a text that is no such list, or a range beyond the model.
  public static func layers(_ text: String, of model: ModelConfiguration) throws -> [Int] {
    if text == "all" { return try all(of: model) }
    return try text.split(separator: ",", omittingEmptySubsequences: false).flatMap { part in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { index($0) }
      guard let first = ends[0], let last = ends.last ?? nil, ends.count < 3, first <= last else {
        throw noList(text, model)
      }
      // A range is not counted out before its end is known to be a layer.
      if ends.count == 2 { try requireLayer(last, of: model) }
      return Array(first...last)
    }
  }

  private static func all(of model: ModelConfiguration) throws -> [Int] {
    let layers = replaceable(in: model)
    guard layers.isEmpty else { return layers }
    throw Problem(
      .usage, "no layer of the model can be replaced",
      expected: "layers of Gated DeltaNet or Kimi Delta Attention",
      found: Set(model.layers.map(\.mixer.kind)).sorted().joined(separator: ", "),
      remedy: "choose a model that has some; graft inspect marks them G or K")
  }

  /// A number as a list has it: digits alone.
  private static func index(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil
  }

  private static func noList(_ text: String, _ model: ModelConfiguration) -> Problem {
    let layers = replaceable(in: model)
    let example = layers.prefix(2).map(String.init).joined(separator: ",")
    return Problem(
      .usage, "not a list of layers", expected: "N, N,M or N-M, all, or auto", found: text,
      remedy: layers.isEmpty
        ? "list layers by their index"
        : "list layers by their index, such as --layer \(example), or give --layer auto")
  }
}
