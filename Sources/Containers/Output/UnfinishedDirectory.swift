import Diagnostics
import Synchronization
import SystemPackage

/// The directory in which an output lies until it is complete, held by its lock.
///
/// In it are the lock, the list of all names that runs created, journals of what is finished, and the
/// files themselves in `out/`. Nobody but its owner may look into it.
final class UnfinishedDirectory: Sendable {
  /// The files of the output.
  static let folderName: FilePath.Component = "out"
  /// Where an output waits that was replaced.
  static let oldName: FilePath.Component = "out-old"
  /// A directory that is made to see what the umask leaves.
  private static let probeName: FilePath.Component = "mode"
  /// What the names of records begin with.
  static let journal = "journal-"

  let directory: HeldDirectory
  let created: CreatedNames
  private let place: FilePlace
  private let lock: Mutex<OutputLock?>

  /// Makes the directory, or takes the one that a run left, and holds the lock.
  /// - Throws: `Problem` of kind `exists` where another process has it, or it is not what a run leaves;
  ///   nothing in it is touched then.
  init(of output: OutputPlace, isShared: Bool) throws {
    place = output.unfinished
    while true {
      let isNew = try place.makeDirectory(mode: 0o700)
      guard let directory = try HeldDirectory(place) else {
        if try place.status() == nil { continue }
        throw Self.foreign(place.path, nil)
      }
      _ = try Self.names(of: directory, isNew: isNew)
      guard
        let lock = try OutputLock(in: directory, isShared: isShared, for: output.destination)
      else { continue }
      created = try Self.names(of: directory, isNew: isNew)
      self.directory = directory
      self.lock = Mutex(lock)
      return
    }
  }

  /// Gives the lock back.
  func release() { lock.withLock { $0 = nil } }

  /// The directory of the files, which is made where it is missing.
  func folder() throws -> HeldDirectory {
    let place = directory.place(Self.folderName)
    _ = try place.makeDirectory(mode: 0o700)
    guard let folder = try HeldDirectory(place) else { throw Self.foreign(place.path, nil) }
    return folder
  }

  /// A directory among the files, which is made where it is missing.
  func folder(_ name: String, in folder: HeldDirectory) throws -> HeldDirectory {
    let place = try folder.place(name)
    try created.add([], folders: [name])
    _ = try place.makeDirectory(mode: 0o700)
    guard let inner = try HeldDirectory(place) else { throw Self.foreign(place.path, nil) }
    return inner
  }

  /// Whether there is a directory of files.
  var hasFolder: Bool { (try? directory.place(Self.folderName).status()) != nil }

  /// The names of the records.
  func records() throws -> [String] {
    try directory.names().map(\.string).filter { $0.hasPrefix(Self.journal) }
  }

  /// The mode that the umask leaves a directory.
  func usualMode() throws -> CInterop.Mode {
    let probe = directory.place(Self.probeName)
    try probe.removeDirectory()
    guard try probe.makeDirectory(mode: 0o777), let status = try probe.status() else {
      throw Self.foreign(probe.path, nil)
    }
    try probe.removeDirectory()
    return status.permissions
  }

  /// Removes what runs created and what was replaced, the lock last, so that nobody takes what is left
  /// for somebody else's directory.
  /// - Throws: `Problem` where something else is in it, which stays.
  func removeAll() throws {
    try remove(Self.folderName)
    try remove(Self.oldName)
    try directory.place(Self.probeName).removeDirectory()
    for name in try records() where created.contains(name) { try directory.place(name).remove() }
    for name in [CreatedNames.fileName, OutputLock.fileName] { try directory.place(name).remove() }
    try place.removeDirectory()
  }

  /// Removes a directory of files that runs created, or are about to replace.
  func remove(_ name: FilePath.Component) throws {
    let place = directory.place(name)
    guard let held = try HeldDirectory(place) else { return }
    for (folder, names) in try Self.contents(of: held, created).reversed() {
      for name in names where created.contains(name.string) { try folder.place(name).remove() }
      for name in names where created.isFolder(name.string) {
        try folder.place(name).removeDirectory()
      }
    }
    try place.removeDirectory()
  }

  /// The names in a directory of files, and in the directories among them that runs made.
  private static func contents(of folder: HeldDirectory, _ created: CreatedNames?) throws -> [(
    HeldDirectory, [FilePath.Component]
  )] {
    let names = try folder.names()
    let inner = try names.filter { created?.isFolder($0.string) ?? true }
      .compactMap { try HeldDirectory(folder.place($0)) }
    return [(folder, names)] + (try inner.map { ($0, try $0.names()) })
  }
}

extension UnfinishedDirectory {
  /// Checks that a directory and all that is in it are what runs of this user left.
  /// - Parameter isNew: whether it has just been made; who may write into it is then as the disk has
  ///   it.
  /// - Returns: the names that runs created.
  private static func names(of directory: HeldDirectory, isNew: Bool) throws -> CreatedNames {
    if !isNew { try checkOwner(directory) }
    // Every name is written down before its file exists. So the directory is listed before the list of names
    // is read: in the other order a file that a run creates in between would be taken for somebody else's.
    let names = try directory.names()
    let folders = try [folderName, oldName].compactMap { try HeldDirectory(directory.place($0)) }
    let files = try folders.flatMap { try contents(of: $0, nil) }
    let created = try CreatedNames(directory.place(CreatedNames.fileName))
    for name in names { try check(name, in: directory, created) }
    for (folder, names) in files { try check(names, in: folder, created) }
    return created
  }

  /// Checks that files of the output are what runs created.
  func checkFiles() throws {
    for (folder, names) in try Self.contents(of: folder(), created) {
      try Self.check(names, in: folder, created)
    }
  }

  private static func checkOwner(_ directory: HeldDirectory) throws {
    let status = try directory.status()
    guard status.isMine else { throw foreign(directory.path, "a directory of another user") }
    guard !status.isOpenToOthers else {
      throw foreign(directory.path, "a directory into which others may write")
    }
  }

  private static func check(
    _ name: FilePath.Component, in directory: HeldDirectory, _ created: CreatedNames
  ) throws {
    let place = directory.place(name)
    switch name {
    case folderName, oldName, probeName:
      guard let held = try HeldDirectory(place) else {
        guard let status = try place.status() else { return }
        throw foreign(place.path, status.oddity ?? "a file")
      }
      // What was replaced has the mode and the owner that it had.
      if name == folderName { try checkOwner(held) }
    case OutputLock.fileName, CreatedNames.fileName:
      try checkFile(place, isEmpty: name == OutputLock.fileName)
    default:
      guard name.string.hasPrefix(journal), created.contains(name.string) else {
        throw foreign(place.path, "something that no run put there")
      }
      try checkFile(place)
    }
  }

  private static func check(
    _ names: [FilePath.Component], in folder: HeldDirectory, _ created: CreatedNames
  ) throws {
    for name in names {
      let place = folder.place(name)
      if created.isFolder(name.string), try place.status()?.kind == .directory { continue }
      guard created.contains(name.string) else {
        throw foreign(place.path, "something that no run put there")
      }
      try checkFile(place, hasOtherNames: created.mayHaveOtherNames(name.string))
    }
  }

  /// Checks that there is a regular file of this user with one name, if there is anything.
  private static func checkFile(
    _ place: FilePlace, isEmpty: Bool = false, hasOtherNames: Bool = false
  ) throws {
    guard let status = try place.status() else { return }
    guard status.kind == .file, status.links <= 1 || hasOtherNames else {
      throw foreign(place.path, status.oddity)
    }
    guard status.isMine || hasOtherNames else {
      throw foreign(place.path, "a file of another user")
    }
    guard !isEmpty || status.size == 0 else {
      throw foreign(place.path, "a file that is not empty")
    }
  }

  /// The problem that something is not what a run leaves.
  static func foreign(_ path: FilePath, _ found: String?) -> Problem {
    Problem(
      .exists, "something else has the name of the unfinished output", file: path.string,
      expected: found == nil ? nil : "what a run of this user left", found: found,
      remedy: "move it away, or choose another path for the output")
  }
}
