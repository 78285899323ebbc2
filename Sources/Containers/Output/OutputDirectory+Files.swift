import SystemPackage

extension OutputDirectory {
  /// Says which files will be created, all at once, which costs less than one after the other.
  /// - Parameter links: those that may become further names of existing files.
  public func announce(_ names: [String], links: [String] = []) throws {
    try held.created.add(names, links: links)
  }

  /// The place at which to create a file of the output.
  /// - Parameter isLink: whether it may become a further name of an existing file.
  public func file(_ name: String, isLink: Bool = false) throws -> FilePlace {
    let place = try folder.place(name)
    try held.created.add([name], links: isLink ? [name] : [])
    return place
  }

  /// The place at which to create a file beside the directory of all others.
  public func beside(_ name: String) throws -> FilePlace {
    let place = try root.place(name)
    try held.created.add([name])
    try place.remove()
    return place
  }

  /// The names of the finished files, and of those that somebody began.
  public func names() throws -> [String] { try folder.names().map(\.string) }

  /// The place at which to keep a record of the unfinished output.
  public func record(_ name: String) throws -> FilePlace {
    let place = try held.directory.place(name)
    try held.created.add([name])
    return place
  }

  /// The names of the records.
  public func records() throws -> [String] { try held.records() }

  /// Removes a file of the output, if there is one.
  public func remove(_ name: String) throws { try folder.place(name).remove() }

  /// Removes all files and records that somebody left.
  /// - Parameter kept: a record that stays.
  public func clear(but kept: String? = nil) throws {
    for name in try records() where name != kept { try held.directory.place(name).remove() }
    for name in try names() { try remove(name) }
  }
}
