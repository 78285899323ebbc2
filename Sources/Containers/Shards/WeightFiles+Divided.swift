import Diagnostics

/// Checkpoints of which each file holds what one rank had of the tensors.
extension WeightFiles {
  /// Finds such files; nil where there are none, or where safetensors are the model.
  /// - Throws: `Problem` of kind `invalid` where there are others beside them, or of several saves;
  ///   `missing` where some are not there.
  static func divided(_ names: [String]) throws -> (Container, Arrangement)? {
    let others = names.filter { name in
      Container.ofFiles.contains { $0.isWeight(name) || $0.lists(name) }
    }
    if let shards = try HubShards(of: names) {
      try refuse(others, beside: shards.names)
      return (.safetensors, .hubShards)
    }
    let isWhole = others.contains { Container.safetensors.isWeight($0) }
    guard !isWhole, !others.contains(Container.safetensors.indexName),
      let ranks = try RankFiles(of: names)
    else { return nil }
    try refuse(others, beside: ranks.names)
    return (.torch, .ranks)
  }

  private static func refuse(_ others: [String], beside files: [String]) throws {
    guard !others.isEmpty else { return }
    throw Problem(
      .invalid, "files of ranks and other weights leave open which are the model",
      expected: "\(files[0]) and the like alone", found: NameList.text(others),
      remedy: "put them into a directory of their own, or give the path of the file")
  }
}
