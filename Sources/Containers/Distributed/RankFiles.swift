import Diagnostics
import SystemPackage

/// The names of the files in which the ranks of a trainer saved their parts of every tensor.
///
/// ```
/// model_world_size_4_rank_0.pt … model_world_size_4_rank_3.pt
/// ```
struct RankFiles {
  /// Which of so many ranks wrote a file.
  struct Number: Hashable {
    let rank: Int
    let ranks: Int
  }

  /// The name of such a file, taken apart.
  private struct Name: Hashable {
    let stem: String
    let number: Number
    let ending: String

    /// The name of the file that another rank wrote.
    func of(_ rank: Int) -> String { "\(stem)_world_size_\(number.ranks)_rank_\(rank).\(ending)" }
  }

  /// The files, by rank.
  let names: [String]

  /// The most ranks that are read.
  private static let mostRanks = 99_999

  /// Finds the files among the names in a directory; nil where there are none.
  /// - Throws: `Problem` of kind `invalid` where they belong to several saves, `missing` where some are
  ///   not there.
  init?(of names: [String]) throws {
    let found = names.compactMap { name in Self.taken(name).map { (name: name, parts: $0) } }
    guard let first = found.first?.parts else { return nil }
    let stray = found.filter {
      $0.parts.stem != first.stem || $0.parts.number.ranks != first.number.ranks
        || $0.parts.ending != first.ending || $0.parts.of($0.parts.number.rank) != $0.name
    }
    guard stray.isEmpty else {
      throw Problem(
        .invalid, "files of ranks of several saves leave open which are the model",
        expected: "\(first.of(0)) to \(first.of(first.number.ranks - 1)) alone",
        found: NameList.text(stray.map(\.name)),
        remedy: "put each save into a directory of its own")
    }
    self.names = (0..<first.number.ranks).map(first.of)
    try FileSet.checkComplete(self.names, among: names, of: "ranks")
  }

  /// Which rank wrote a file of that name; nil for other names.
  static func number(_ name: String) -> Number? { taken(name)?.number }

  private static func taken(_ name: String) -> Name? {
    let pattern = #/(.+)_world_size_(\d{1,6})_rank_(\d{1,6})\.([a-z]+)/#
    guard !KnownFiles.isTraining(name), let match = name.wholeMatch(of: pattern),
      let ranks = Int(match.2), let rank = Int(match.3), (1...mostRanks).contains(ranks),
      (0..<ranks).contains(rank), Container.torch.extensions.contains(String(match.4))
    else { return nil }
    return Name(
      stem: String(match.1), number: Number(rank: rank, ranks: ranks), ending: String(match.4))
  }

  /// Refuses one file that holds the parts of one of several ranks.
  /// - Throws: `Problem` of kind `unsupported` that names the files that are missing.
  static func refuseAlone(_ state: RankState) throws {
    guard state.isDivided, state.mesh?.allSatisfy({ $0 == 1 }) != true else { return }
    let path = FilePath(state.file)
    let name = path.lastComponent.flatMap { taken($0.string) }
    let others = name.map { name in
      (0..<name.number.ranks).filter { $0 != name.number.rank }.map(name.of)
    }
    let absent = others?.filter { FileKind(path.removingLastComponent().appending($0)) == .absent }
    throw Problem(
      .unsupported, "the tensors are shards of one rank (DTensor, as FSDP saves them)",
      expected: others.map { "also " + NameList.text($0) } ?? "the files of all ranks",
      found: name.map { "rank \($0.number.rank) of \($0.number.ranks)" }
        ?? state.mesh.map {
          "one rank of a mesh of \($0)"
        },
      remedy: absent?.isEmpty == true
        ? "give the directory, in which the files of all ranks are"
        : absent.map {
          "fetch \(NameList.text($0)), and give the directory"
        } ?? RankShards.merging)
  }
}
