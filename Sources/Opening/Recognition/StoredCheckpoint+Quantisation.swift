import Containers
import JSON
import Layouts
import SystemPackage
import Tensors

extension StoredCheckpoint {
  private static let fileLimit = 64 << 20

  /// What files beside the config say of quantised weights, by name; one that cannot be read says
  /// nothing.
  /// - Cost: reads and parses them anew; there is rarely one.
  package var quantisationFiles: [String: JSONValue] {
    var files: [String: JSONValue] = [:]
    for name in PackedWeights.files where sidecars.contains(name) {
      let bytes = try? MappedFile.readAll(path(name), limit: Self.fileLimit)
      files[name] = bytes.flatMap { try? JSONValue(parsing: $0) }
    }
    return files
  }

  /// The keys of the config, and the files beside it, that claim quantised weights where no stored
  /// tensor is quantised.
  var leftoverQuantisation: [String] {
    let claims =
      (container.hasMetadata ? [] : config?.quantisationKeys ?? [])
      + PackedWeights.files.filter(sidecars.contains)
    return claims.isEmpty || PackedWeights.isAny(in: headers) ? [] : claims
  }

  /// The path by which messages name the weights: the file if it holds its own config, else the directory.
  package var weightsPath: FilePath { container.hasMetadata ? configPath : directory }
}
