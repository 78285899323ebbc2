import Diagnostics
import Platform
import SystemPackage

/// An open directory: what is done in it stays in it, whatever becomes of its name.
final class HeldDirectory: Sendable {
  /// The path under which it was opened, for messages; empty for the working directory.
  let path: FilePath
  let descriptor: FileDescriptor

  private init(_ descriptor: FileDescriptor, _ path: FilePath) {
    (self.descriptor, self.path) = (descriptor, path)
  }

  deinit { try? descriptor.close() }

  /// Opens a directory that the user names; links are followed.
  /// - Throws: `Errno`.
  convenience init(named path: FilePath) throws {
    let descriptor = try FileDescriptor.open(
      path.isEmpty ? "." : path, .readOnly, options: [.directory, .closeOnExec])
    self.init(descriptor, path)
  }

  /// Opens a directory at a place; a link is none.
  /// - Returns: nil where there is no directory.
  convenience init?(_ place: FilePlace) throws {
    do {
      self.init(try place.open(O_RDONLY | O_DIRECTORY), place.path)
    } catch let error as Errno {
      let isNone: [Errno] = [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels]
      guard !isNone.contains(error) else { return nil }
      throw FileSystem.failure("cannot open the directory", place.path, error, as: .exists)
    }
  }

  /// The place of a name.
  func place(_ name: FilePath.Component) -> FilePlace { FilePlace(name, in: self) }

  /// The place of a name.
  /// - Throws: `Problem` of kind `exists` where it is none of a file.
  func place(_ name: String) throws -> FilePlace {
    guard let component = FilePath.Component(name), component.kind == .regular else {
      throw Problem(
        .exists, "the output cannot be created", file: path.string, expected: "the name of a file",
        found: "\"\(name)\"", remedy: "rename the file of the source")
    }
    return place(component)
  }

  /// What the system says of it.
  func status() throws -> FileStatus { try FileStatus(of: descriptor, path) }

  /// All names in it but `.` and `..`, sorted by their bytes.
  func names() throws -> [FilePath.Component] {
    // Of its own, because the place up to which a directory was read belongs to the descriptor.
    let copy = openat(descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else {
      throw FileSystem.failure("cannot list the directory", path)
    }
    defer { closedir(stream) }
    var names: [FilePath.Component] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CInterop.PlatformChar.self, capacity: 256) {
          FilePath.Component(platformString: $0)
        }
      }
      if let name, name.kind == .regular { names.append(name) }
    }
    return names.sorted { $0.string.utf8.lexicographicallyPrecedes($1.string.utf8) }
  }

  /// Waits until its names are on the disk.
  func synchronise() throws { try FileSystem.synchronise(descriptor, path) }

  /// Says who may do what, where the disk can tell.
  func setPermissions(_ mode: CInterop.Mode) { _ = fchmod(descriptor.rawValue, mode) }
}
