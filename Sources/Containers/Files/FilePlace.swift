import CPlatform
import Diagnostics
import Platform
import SystemPackage
import Tensors

/// Something that says where a file is to be created.
public protocol FileLocation {
  /// The name and the directory.
  var place: FilePlace { get }
}

extension FilePath: FileLocation {
  /// The path, from the working directory.
  public var place: FilePlace { FilePlace(self) }
}

/// A name in a directory; no operation follows a link that stands under it.
public struct FilePlace: FileLocation, Sendable {
  /// The directory; nil where the path says all.
  private let directory: HeldDirectory?
  private let name: FilePath
  /// The path for messages.
  public let path: FilePath

  /// A place that a path names.
  public init(_ path: FilePath) { (directory, name, self.path) = (nil, path, path) }

  /// A name in an open directory.
  init(_ name: FilePath.Component, in directory: HeldDirectory) {
    self.directory = directory
    self.name = FilePath(root: nil, [name])
    path = directory.path.appending(name)
  }

  /// This place.
  public var place: FilePlace { self }

  /// The place of another name in the same directory.
  public func beside(_ name: String) -> FilePlace {
    guard let component = FilePath.Component(name), component.kind == .regular else { return self }
    return directory.map { $0.place(component) }
      ?? FilePlace(path.removingLastComponent().appending(component))
  }

  private var base: CInt { directory?.descriptor.rawValue ?? AT_FDCWD }

  /// What stands there; nil where nothing does.
  func status() throws -> FileStatus? {
    var status = stat()
    guard name.withPlatformString({ fstatat(base, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else {
      if errno == ENOENT { return nil }
      throw FileSystem.failure("cannot stat the file", path)
    }
    return FileStatus(status)
  }

  /// Opens what is there, or makes it, as the options say.
  /// - Throws: `Errno`.
  func open(_ options: CInt, mode: mode_t = 0) throws -> FileDescriptor {
    let number = name.withPlatformString {
      openat(base, $0, options | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode)
    }
    guard number >= 0 else { throw Errno(rawValue: errno) }
    return FileDescriptor(rawValue: number)
  }

  /// Opens a regular file for reading.
  /// - Throws: `Problem` of kind `missing`, `invalid` or `io`.
  public func mapped() throws -> MappedFile {
    let descriptor: FileDescriptor
    do { descriptor = try open(O_RDONLY) } catch let error as Errno {
      throw FileSystem.failure(
        "cannot open the file", path, error, as: error == .noSuchFileOrDirectory ? .missing : .io)
    }
    defer { try? descriptor.close() }
    return try MappedFile(descriptor, named: path)
  }

  /// Creates a file that does not exist yet, with the mode that the umask leaves.
  func create() throws -> FileDescriptor {
    do { return try open(O_WRONLY | O_CREAT | O_EXCL, mode: 0o666) } catch let error as Errno {
      throw FileSystem.failure("the output cannot be created", path, error, as: .exists)
    }
  }

  /// Creates a file and reserves its blocks where the system can; leaves nothing on failure.
  func create(reserving count: Int) throws -> FileDescriptor {
    let descriptor = try create()
    do {
      try FileSystem.reserve(descriptor, count, path)
      return descriptor
    } catch {
      try? descriptor.close()
      try? remove()
      throw error
    }
  }

  /// Waits until the file that is there is on the disk.
  func synchronise() throws {
    do {
      let descriptor = try open(O_RDONLY)
      defer { try? descriptor.close() }
      try FileSystem.synchronise(descriptor, path)
    } catch let error as Errno {
      throw FileSystem.failure("cannot open what was written", path, error)
    }
  }

  /// Removes a file or a link, if there is one.
  func remove() throws {
    guard name.withPlatformString({ unlinkat(base, $0, 0) }) == 0 || errno == ENOENT else {
      throw FileSystem.failure("cannot remove", path)
    }
  }

  /// Makes a directory.
  /// - Returns: false where the name is taken.
  func makeDirectory(mode: mode_t) throws -> Bool {
    if name.withPlatformString({ mkdirat(base, $0, mode) }) == 0 { return true }
    if errno == EEXIST { return false }
    throw FileSystem.failure("the output cannot be created", path, as: .exists)
  }

  /// Removes a directory in which nothing is, if there is one.
  func removeDirectory() throws {
    guard name.withPlatformString({ unlinkat(base, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT
    else { throw FileSystem.failure("cannot remove", path) }
  }

  /// Gives an existing file another name here.
  /// - Returns: whether the system could.
  func link(to source: FilePath) -> Bool {
    name.withPlatformString { name in
      source.withPlatformString { linkat(AT_FDCWD, $0, base, name, AT_SYMLINK_FOLLOW) == 0 }
    }
  }

  /// Moves what is here to another place and replaces a file there.
  func move(to other: FilePlace) throws {
    let result = name.withPlatformString { name in
      other.name.withPlatformString { renameat(base, name, other.base, $0) }
    }
    guard result == 0 else {
      throw FileSystem.failure("cannot give the output its name", other.path)
    }
  }

  /// Moves what is here to a free place.
  /// - Throws: `Problem` of kind `exists` where it has been taken meanwhile.
  func publish(as other: FilePlace) throws {
    if rename(other, exchanging: false) { return }
    if errno == EEXIST { throw OutputPlace.taken(other.path) }
    try publishPlainly(as: other)
  }

  /// The same where the system cannot refuse to replace by itself.
  func publishPlainly(as other: FilePlace) throws {
    guard try other.status() == nil else { throw OutputPlace.taken(other.path) }
    try move(to: other)
  }

  /// Lets what is here and at another place change places at once.
  /// - Returns: whether the system could.
  func exchange(with other: FilePlace) -> Bool { rename(other, exchanging: true) }

  private func rename(_ other: FilePlace, exchanging: Bool) -> Bool {
    name.withPlatformString { name in
      other.name.withPlatformString {
        files_rename(base, name, other.base, $0, exchanging ? 1 : 0) == 0
      }
    }
  }
}
