/// Names of files as a message lists them.
enum NameList {
  /// The first of some names, and how many there are.
  static func text(_ names: [String], most: Int = 4) -> String {
    names.prefix(most).joined(separator: ", ")
      + (names.count > most ? ", … (\(names.count) of them)" : "")
  }
}
