import JSON
import SystemPackage
import Tensors

/// What the settings of an adapter say of the model that it belongs to.
enum AdapterNote {
  private static let fileName = "adapter_config.json"
  private static let limit = 1 << 20

  /// The base of the adapter in a directory, in words; nil where there is none or nothing says it.
  static func base(in directory: FilePath, _ files: [String]) -> String? {
    let file = directory.appending(fileName)
    guard files.contains(fileName), let bytes = try? MappedFile.readAll(file, limit: limit),
      let settings = try? JSONValue(parsing: bytes, .python),
      let base = (settings["base_model_name_or_path"] ?? settings["model"])?.string
    else { return nil }
    let kind = settings["peft_type"]?.string ?? settings["fine_tune_type"]?.string
    return "an adapter\(kind.map { " (\($0))" } ?? "") for \(base)"
  }
}
