import Diagnostics
import SystemPackage

extension OutputDirectory {
  /// Checks what can be known before anything is written.
  /// - Throws: `Problem` of kind `exists`, as when the output is written.
  public static func check(
    at destination: FilePath, overwrite: Bool, inputs: [FilePath], marks: CheckpointMarks
  ) throws {
    let permission = Permission(overwrite: overwrite, inputs: inputs, marks: marks)
    _ = try replaced(OutputPlace(destination), permission)
  }

  /// The checkpoint that will be replaced; nil where there is none.
  static func replaced(_ output: OutputPlace, _ permission: Permission) throws
    -> ReplacedCheckpoint?
  {
    guard try output.existing(.directory, overwrite: permission.overwrite) != nil else {
      return nil
    }
    try output.refuseRemoving(permission.inputs)
    return try checkpoint(at: output.place, permission.marks)
  }

  private static func checkpoint(at place: FilePlace, _ marks: CheckpointMarks) throws
    -> ReplacedCheckpoint
  {
    guard let directory = try HeldDirectory(place) else { throw OutputPlace.taken(place.path) }
    return try ReplacedCheckpoint(directory, marks)
  }

  /// Gives the files their name, in the place of a checkpoint that may be replaced.
  func appear() throws {
    let new = held.directory.place(UnfinishedDirectory.folderName)
    guard let old = try Self.replaced(place, permission) else {
      return try new.publish(as: place.place)
    }
    try announce(old)
    let aside = held.directory.place(UnfinishedDirectory.oldName)
    try Self.replace(place.place, with: new, aside: aside) {
      try announce(Self.checkpoint(at: $0, permission.marks))
    }
  }

  /// What is replaced will be removed, and if not by this process then by the next.
  private func announce(_ old: ReplacedCheckpoint) throws {
    try held.created.add(old.files, links: old.files, folders: old.folders)
  }

  /// Puts a new directory in the place of an old one, which then lies aside.
  ///
  /// Where the system can exchange two names at once, the destination is complete at every moment.
  /// - Parameter admit: looks at the old directory where nobody else comes to it any more; where it
  ///   throws, everything is as it was.
  static func replace(
    _ destination: FilePlace, with new: FilePlace, aside: FilePlace,
    admit: (FilePlace) throws -> Void
  ) throws {
    guard new.exchange(with: destination) else {
      return try replaceInSteps(destination, with: new, aside: aside, admit: admit)
    }
    do { try admit(new) } catch {
      _ = new.exchange(with: destination)
      throw error
    }
    try new.move(to: aside)
  }

  /// The same where the system cannot exchange names: one after the other, back again where that fails.
  static func replaceInSteps(
    _ destination: FilePlace, with new: FilePlace, aside: FilePlace,
    admit: (FilePlace) throws -> Void
  ) throws {
    try destination.publish(as: aside)
    do {
      try admit(aside)
      try new.publish(as: destination)
    } catch {
      try aside.publish(as: destination)
      throw error
    }
  }

  /// Gives an old output its name back that a process was about to replace when it was killed.
  static func restore(_ output: OutputPlace) throws {
    guard try output.place.status() == nil, let left = try HeldDirectory(output.unfinished),
      try left.place(UnfinishedDirectory.oldName).status() != nil
    else { return }
    let held = try UnfinishedDirectory(of: output, isShared: false)
    defer { held.release() }
    try held.directory.place(UnfinishedDirectory.oldName).publish(as: output.place)
  }

  /// Removes what nobody writes any more and no run would go on with.
  static func removeRemains(of output: OutputPlace) throws {
    guard try output.place.status() != nil, try HeldDirectory(output.unfinished) != nil else {
      return
    }
    let held = try UnfinishedDirectory(of: output, isShared: false)
    defer { held.release() }
    if try held.records().isEmpty || !held.hasFolder { try held.removeAll() }
  }
}
