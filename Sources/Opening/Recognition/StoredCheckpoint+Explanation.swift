import Containers
import Diagnostics
import Layouts

extension StoredCheckpoint {
  /// Why the checkpoint cannot be read: what kind of file it is instead, or else the reason of the nearest
  /// layout.
  func explained(_ error: any Error, _ catalogue: LayoutCatalogue) -> any Error {
    let isPacked = PackedWeights.recognise(config, headers) != nil
    return CheckpointNature(self)?.problem.located(.file(place)) ?? loneShard?.located(.file(place))
      ?? (isPacked ? nil : baseModel(catalogue)?.located(.file(place)))
      ?? missingRanks(error)?.located(.file(place)) ?? error
  }

  /// The file, or the directory of several.
  private var place: String {
    (weightFiles.count == 1 ? path(weightFiles[0]) : directory).string
  }

  /// The refusal of one file that was given in place of the set to which it belongs.
  private var loneShard: Problem? {
    guard weightFiles.count == 1, !hasIndex, let set = container.family(of: weightFiles[0]),
      set.count > 1
    else { return nil }
    return Problem(
      .invalid, "one file of a set was given", expected: "all \(set.count) files",
      found: weightFiles[0], remedy: "give the directory of the files, or their index")
  }

  /// The refusal of shards whose tensors, put together, are smaller than the config says: files are
  /// missing.
  private func missingRanks(_ error: any Error) -> Problem? {
    let other = error.asProblems.first { headers[$0.tensor ?? ""] != nil && $0.found != nil }
    guard isOfRanks, let other else { return nil }
    return Problem(
      .invalid, "the parts that the ranks wrote make up other tensors than the config asks for",
      tensor: other.tensor, expected: other.expected, found: other.found,
      remedy: "fetch the files of all ranks; if all are there, config.json is of another model")
  }

  /// The refusal of a base model, saved without the names that a class with a language head adds.
  private func baseModel(_ catalogue: LayoutCatalogue) -> Problem? {
    guard catalogue.candidates(config: config, has: { headers[$0] != nil }).isEmpty else {
      return nil
    }
    let prefixes = ["model.", "transformer."]
    let prefix = prefixes.first { prefix in
      let candidates = catalogue.candidates(config: config) { name in
        name.hasPrefix(prefix) && headers[String(name.dropFirst(prefix.count))] != nil
      }
      return !candidates.isEmpty
    }
    guard let prefix else { return nil }
    let hasHead = headers.names.contains { $0.hasSuffix("lm_head.weight") }
    return Problem(
      .unsupported, "the base model was saved without its language head",
      expected: "names with the prefix \(prefix), and a head",
      found: "names without the prefix" + (hasHead ? ", and a head" : " and no lm_head"),
      remedy: "save the model with its head, as AutoModelForCausalLM does, and give that")
  }
}
