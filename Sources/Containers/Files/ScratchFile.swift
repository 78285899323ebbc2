import Diagnostics
import Platform
import SystemPackage
import Tensors

/// Files without a name that vanish with their reader.
enum ScratchFile {
  /// The directory of scratch files: `TMPDIR`, else `/var/tmp`, which is on a disk where `/tmp` may be
  /// memory.
  private static var directory: FilePath {
    getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/var/tmp"
  }

  /// Writes a file from front to back and maps it.
  /// - Parameter produce: passes on `count` bytes, piece by piece.
  /// - Throws: `Problem` of kind `io`, and what `produce` throws.
  static func mapped(
    count: Int, _ produce: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws -> MappedFile {
    let path = directory.appending(".graft-\(UInt64.random(in: 0 ... .max)).scratch")
    let descriptor = try open(path, count)
    defer { try? descriptor.close() }
    try produce { bytes in
      do { try descriptor.writeAll(bytes) } catch let error as Errno {
        throw FileSystem.failure("cannot write a scratch file", path, error)
      }
    }
    return try MappedFile(descriptor, named: path)
  }

  /// Creates a file that has lost its name.
  private static func open(_ path: FilePath, _ count: Int) throws -> FileDescriptor {
    do {
      let descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
      unlink(path.string)
      try FileSystem.reserve(descriptor, count, path)
      return descriptor
    } catch let error as Errno {
      throw Problem(
        .io, "cannot create a scratch file: \(error)", file: path.string,
        remedy: "set TMPDIR to a directory with room for \(count) bytes")
    }
  }
}
