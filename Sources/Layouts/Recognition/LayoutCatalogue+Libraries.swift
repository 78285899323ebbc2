extension LayoutCatalogue {
  /// The ids of the layouts that are written, not only inspected.
  /// - Throws: `Problem` where a layout file is wrong.
  public var writtenIDs: [String] {
    get throws { try ids.filter { try layout($0).inspectOnly == nil } }
  }

  /// What the ids of several layouts begin with: the libraries that have one for each family of models,
  /// such as `mlx` and `gguf`.
  public var libraries: [String] {
    let words = ids.compactMap { $0.firstIndex(of: "-").map($0.prefix(upTo:)).map(String.init) }
    return Set(words).filter { word in words.count { $0 == word } > 1 }.sorted()
  }

  /// The layouts of one library.
  /// - Parameter library: one of `libraries`.
  public func ids(of library: String) -> [String] { ids.filter { $0.hasPrefix(library + "-") } }

  /// The layout of a library for the same family of models as another layout, by its name.
  public func counterpart(of id: String, in library: String) -> String? {
    ids(of: library).first { family($0) == family(id) }
  }

  /// The letters and digits of an id without the library in front.
  private func family(_ id: String) -> String {
    let library = libraries.first { id.hasPrefix($0 + "-") }
    return id.dropFirst(library.map { $0.count + 1 } ?? 0).filter { $0.isLetter || $0.isNumber }
  }
}
