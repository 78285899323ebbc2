import Diagnostics
import JSON
import SystemPackage

/// Checkpoints in several GGUF files, each of which tells its place.
enum SplitFiles {
  private static let numberKey = "split.no"
  private static let countKey = "split.count"
  private static let tensorsKey = "split.tensors.count"

  /// Checks that opened files are all files of one checkpoint, in order.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  static func check(_ files: [WeightFile], _ paths: [FilePath]) throws {
    let total = files.reduce(0) { $0 + $1.tensors.count }
    for (index, (file, path)) in zip(files, paths).enumerated() {
      let expected = [(numberKey, index), (countKey, files.count), (tensorsKey, total)]
      for (key, number) in expected {
        let found = file.values.first { $0.key == key }?.value.json.int
        if found == number || (files.count == 1 && (found ?? 0) == 0) { continue }
        throw Problem(
          .invalid, "the file is not the part that its name and its neighbours say",
          file: path.string, expected: "\(number) as \(key)",
          found: found.map(String.init) ?? "no such value",
          remedy: "fetch all files of the checkpoint, under their own names")
      }
    }
  }

  /// The metadata but for what tells the place of a file among several.
  static func withoutPlace(_ metadata: GGUFHeader.Metadata) -> GGUFHeader.Metadata {
    metadata.filter { ![numberKey, countKey, tensorsKey].contains($0.key) }
  }

  /// The metadata of one of several files; all but their places are in the first.
  static func metadata(
    _ metadata: GGUFHeader.Metadata, part: Int, of count: Int, tensors: Int
  ) throws -> GGUFHeader.Metadata {
    let own = withoutPlace(metadata)
    guard count > 1 else { return own }
    let alignment = own.filter { $0.key == GGUFHeader.alignmentKey }
    return (part == 0 ? own : alignment) + [
      (numberKey, try GGUFValue(.init(part), as: "u16")),
      (countKey, try GGUFValue(.init(count), as: "u16")),
      (tensorsKey, try GGUFValue(.init(tensors), as: "i32")),
    ]
  }
}
