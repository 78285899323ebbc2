import Diagnostics
import SystemPackage

/// Checkpoints of trainers that keep the weights in directories below the one of the run.
extension WeightFiles {
  /// The file in which DeepSpeed keeps the model where no other rank has a part of it.
  private static let moduleName = "mp_rank_00_model_states.pt"

  /// Finds such a directory, or file, where no weights lie under their usual names.
  static func below(_ names: [String], _ directories: [String]) throws -> (Container, Arrangement)?
  {
    let hasWeights = names.contains { name in
      Container.ofFiles.contains { $0.isWeight(name) || $0.lists(name) }
    }
    guard !hasWeights else { return nil }
    if directories.contains(UniversalFiles.folder) { return (.torch, .universal) }
    let distributed = directories.filter { $0.wholeMatch(of: #/pytorch_model_fsdp_\d+/#) != nil }
    if let only = distributed.first, distributed.count == 1 { return (.torch, .below(only)) }
    let states = names.filter { $0.hasSuffix("_model_states.pt") }
    return states == [moduleName] ? (.torch, .moduleStates(moduleName)) : nil
  }

  /// Opens what ranks wrote, or lies below, as one weight file.
  /// - Returns: the file, and the names of those of which it is made.
  /// - Throws: `Problem` naming the file.
  func parts(_ names: [String], in path: FilePath) throws -> (WeightFile, [String]) {
    switch arrangement {
    case .ranks:
      guard let files = try RankFiles(of: names) else { break }
      return (try RankTensors.open(path, files), files.names)
    case .hubShards:
      guard let files = try HubShards(of: names) else { break }
      return (try files.open(in: path), files.names)
    case .universal:
      let files = try UniversalFiles(path)
      return (files.content, files.fileNames)
    case .below(let folder):
      let pieces = try DistributedCheckpoint(path.appending(folder))
      return (pieces.content, pieces.fileNames.map { "\(folder)/\($0)" })
    case .moduleStates(let name):
      return (try container.open(path.appending(name)), [name])
    case .single, .numbered, .indexed, .distributed: break
    }
    throw Problem(.missing, "no weights in the directory", file: path.string)
  }
}
