import Diagnostics

/// The files that belong together by their names.
enum FileSet {
  /// Checks that all files of a set are there.
  /// - Throws: `Problem` of kind `missing` that names those that are not.
  static func checkComplete(
    _ set: [String], among names: [String], of whole: String = "a set"
  ) throws {
    let there = Set(names)
    let missing = set.filter { !there.contains($0) }
    guard let last = set.last, !missing.isEmpty else { return }
    throw Problem(
      .missing, "files of \(whole) are not there",
      expected: set.count == 1 ? last : "\(set.count) files, \(set[0]) to \(last)",
      found: "no " + NameList.text(missing, most: 8), remedy: "fetch the missing files")
  }
}
