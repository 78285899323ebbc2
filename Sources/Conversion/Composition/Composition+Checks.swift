import Canonical
import Comparison
import Containers
import Diagnostics
import Layouts
import Opening
import Tensors

extension Composition {
  static func refusePacked(_ model: OpenedModel) throws {
    let isPacked =
      model.packing != nil || model.quantisation != nil
      || model.checkpoint.tensors.contains { !$0.type.isFloat && $0.elementCount > 0 }
    guard isPacked else { return }
    throw Problem(
      .unsupported, "packed checkpoints are not put together",
      expected: "F32, BF16 or F16",
      found: model.packing?.method ?? "quantised weights",
      remedy: "dequantise it first: graft convert THIS PLAIN --dtype bf16 --allow lossy")
  }

  /// Refuses models that differ in more than their values.
  static func check(_ copy: OpenedModel, _ origin: OpenedModel) throws {
    let (ours, theirs) = (copy.configuration, origin.configuration)
    let sizes = [
      (
        "hidden size", ours.hidden, theirs.hidden, "give the checkpoint that the copy was made from"
      ),
      (
        "vocabulary", ours.vocabulary, theirs.vocabulary,
        "bring one to the size of the other first, with graft convert --vocabulary"
      ),
      (
        "number of layers", ours.layers.count, theirs.layers.count,
        "give the checkpoint that the copy was made from"
      ),
    ].filter { $0.1 != $0.2 }
    try Problem.throwIfAny(
      sizes.map { name, here, there, remedy in
        Problem(
          .unsupported, "the two checkpoints differ in their \(name)",
          file: copy.checkpoint.directory.string,
          expected: "\(there), as in \(origin.checkpoint.directory.string)", found: "\(here)",
          remedy: remedy)
      })
    try Problem.throwIfAny(
      ours.disagreements(with: theirs).map { row in
        Problem(
          .unsupported, "the two checkpoints are not the same model: \(row.fact)",
          file: copy.checkpoint.directory.string, layer: row.layer,
          expected: "\(row.there.text), as in \(origin.checkpoint.directory.string)",
          found: row.here.text, remedy: "give the checkpoint that the copy was made from")
      })
  }

  /// Refuses carried tensors of the copy that would be lost, because the other checkpoint has none of their name.
  static func checkPlaces(_ copy: OpenedModel, _ origin: OpenedModel) throws {
    let placed = Part.allCases.flatMap { copy.counterparts(of: $0, in: origin).keys }
    let own = copy.carried.filter { tensor in
      !copy.silent.contains(tensor.name) && copy.original(of: tensor) == nil
        && !placed.contains(tensor.name)
    }
    let homeless = own.filter { origin.checkpoint.tensor($0.name) == nil }
    guard !homeless.isEmpty else { return }
    throw Problem(
      .unsupported, "the copy has parts for which the other checkpoint has no place",
      file: copy.checkpoint.directory.string, tensor: NameFolding.summary(homeless.map(\.name)),
      expected: "only tensors that \(origin.checkpoint.directory.string) has",
      found: "\(homeless.count) others",
      remedy: "convert the copy to the layout of the other first, or leave them out with --mtp drop"
    )
  }

  /// Refuses two parts of a kind that are not the same.
  static func checkKept(_ copy: OpenedModel, _ origin: OpenedModel, _ wanted: [Part]?)
    throws
  {
    for part in Part.allCases where wanted == nil {
      let own = copy.tensors(of: part)
      guard part == .vision, !own.isEmpty, !origin.tensors(of: part).isEmpty else { continue }
      let others = copy.counterparts(of: part, in: origin)
      let differing = try own.filter { tensor in
        guard let other = others[tensor.name] else { return true }
        return try other.shape != tensor.shape || other.type != tensor.type
          || !other.region.holdsSameBytes(as: tensor.region)
      }
      guard differing.isEmpty else {
        throw Problem(
          .unsupported, "there are two vision towers, and they differ",
          file: copy.checkpoint.directory.string,
          tensor: NameFolding.summary(differing.map(\.name)),
          expected: "one, or that of \(origin.checkpoint.directory.string)",
          found: "\(differing.count) tensors of other values",
          remedy: "say which parts to take with --take mtp; the copy keeps its own tower then")
      }
    }
  }
}
