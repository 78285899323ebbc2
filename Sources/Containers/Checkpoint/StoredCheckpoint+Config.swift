import Diagnostics
import JSON
import SystemPackage
import Tensors

extension StoredCheckpoint {
  static func refuse(_ dangling: [String], in directory: FilePath) throws {
    try Problem.throwIfAny(
      dangling.compactMap { DanglingLink(directory.appending($0))?.problem })
  }

  /// The name of the config: beside the weights, or where trainers whose ranks write them put it.
  static func configFile(
    _ directory: FilePath, _ listing: DirectoryListing, _ arrangement: WeightFiles.Arrangement?
  ) -> String {
    let below = "\(configFolder)/\(configName)"
    let isBelow =
      arrangement == .ranks && !listing.files.contains(configName)
      && listing.directories.contains(configFolder)
      && FileKind(directory.appending(below)) == .regular
    return isBelow ? below : configName
  }

  /// The config of the hub that belongs to an iteration: beside it, or in the directory that tools of
  /// Megatron give it.
  static func configAround(_ directory: FilePath) -> String? {
    ["hf/\(configName)", "../\(configName)", "../hf/\(configName)"].first {
      FileKind(directory.appending($0)) == .regular
    }
  }

  static func readConfig(_ file: FilePath) throws -> [UInt8]? {
    guard FileKind(file) == .regular else { return nil }
    return try MappedFile.readAll(file, limit: configLimit)
  }

  static func parse(_ bytes: [UInt8]?, _ file: FilePath) throws -> JSONValue? {
    try locating(.file(file.string)) {
      try bytes.map { bytes in
        try bytes.withUnsafeBytes { raw in
          try FileNature.reading(raw, as: .json) { try JSONValue(parsing: bytes, .python) }
        }
      }
    }
  }
}
