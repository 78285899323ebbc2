import Diagnostics
import SystemPackage

/// A directory that appears under its name complete or not at all.
///
/// Files are written into a hidden sibling, `.<name>.graft-XXXXXX`; `commit()` puts them on the disk
/// and renames. Whatever has not been committed is removed with its owner.
public final class OutputDirectory {
  /// The directory in which to write until `commit()`.
  public let path: FilePath
  private let place: OutputPlace
  private var isOpen = true

  /// Makes the hidden directory.
  /// - Parameters:
  ///   - destination: where the output appears; its parent must exist.
  ///   - overwrite: whether an existing directory is replaced.
  ///   - inputs: what is being read; refused where replacing the destination would remove it.
  /// - Throws: `Problem` of kind `exists` where the destination exists or cannot be created.
  public init(at destination: FilePath, overwrite: Bool = false, inputs: [FilePath] = []) throws {
    place = try OutputPlace(
      destination, overwrite: overwrite, inputs: inputs, kind: .directory)
    var path = place.temporary()
    while try !UnfinishedOutputs.begin(path, { try FileSystem.makeDirectory(path) }) {
      path = place.temporary()
    }
    self.path = path
  }

  deinit { abort() }

  /// Where the output appears.
  public var destination: FilePath { place.destination }

  /// The path under which to create a file of the output.
  public func file(_ name: String) -> FilePath { path.appending(name) }

  /// Makes the output appear: waits for the disk, then renames.
  /// - Throws: `Problem` of kind `exists` where the destination has appeared meanwhile, or `io`; the
  ///   destination is then as it was.
  /// - Cost: one fsync per file.
  public func commit() throws {
    try FileSystem.synchroniseTree(path)
    try UnfinishedOutputs.finish(path) {
      if place.overwrite, FileKind(destination, followingLinks: false) != .absent {
        try FileSystem.replaceDirectory(destination, with: path)
      } else {
        try FileSystem.publish(path, as: destination)
      }
    }
    isOpen = false
    try FileSystem.synchronise(place.parent)
  }

  /// Removes what has been written so far; does nothing after `commit()`.
  public func abort() {
    guard isOpen else { return }
    isOpen = false
    UnfinishedOutputs.finish(path) { try? FileSystem.removeTree(path) }
  }
}
