import CPlatform
import Diagnostics
import Platform
import SystemPackage
import Tensors

/// Copies of files that move as few bytes as the file system allows.
public enum FileCloning {
  /// The way a file was copied.
  public enum Method: String, Hashable, Sendable, CaseIterable {
    /// The copy shares its blocks with the original until either changes.
    case reflink = "reflink"
    /// The copy is another name of the original.
    case hardLink = "hard link"
    /// The system copied the bytes.
    case systemCopy = "copy_file_range"
    /// The bytes were read and written.
    case copy = "copy"

    /// The words for a report.
    public var text: String { rawValue }
  }

  /// Gives a weight file a second place: reflink, else hard link, else copy.
  ///
  /// A hard link keeps the permissions of the original and changes with it.
  /// - Throws: `Problem`; the target must not exist.
  public static func clone(from source: FilePath, to target: FilePlace) throws -> Method {
    if try reflink(source, target) { return try synchronised(.reflink, target) }
    if target.link(to: source) { return .hardLink }
    return try synchronised(copyBytes(source, target), target)
  }

  /// Waits until the copy is on the disk.
  private static func synchronised(_ method: Method, _ target: FilePlace) throws -> Method {
    try target.synchronise()
    return method
  }

  /// Copies a file into one of its own, with the mode that the umask leaves.
  /// - Throws: `Problem`; the target must not exist.
  @discardableResult
  public static func copy(from source: FilePath, to target: FilePlace) throws -> Method {
    try synchronised(reflink(source, target) ? .reflink : copyBytes(source, target), target)
  }

  /// Copies the bytes; holes of the source stay holes.
  private static func copyBytes(_ source: FilePath, _ target: FilePlace) throws -> Method {
    let file = try MappedFile(source)
    let data = try FileSystem.data(of: source, count: file.bytes.count)
    if try systemCopy(source, target, file.bytes.count, data) { return .systemCopy }
    if data == [0..<file.bytes.count] {
      var sink = try ByteSink(creating: target, expected: file.bytes.count)
      try sink.write(ByteRegion(file))
      try sink.close()
    } else {
      try writeData(file, data, target)
    }
    return .copy
  }

  private static func writeData(_ file: MappedFile, _ data: [Range<Int>], _ target: FilePlace)
    throws
  {
    let output = try target.create()
    defer { try? output.close() }
    try FileSystem.extend(output, to: file.bytes.count, target.path)
    do {
      for range in data {
        try output.writeAll(toAbsoluteOffset: Int64(range.lowerBound), file.bytes[range])
      }
    } catch let error as Errno { throw FileSystem.failure("cannot write", target.path, error) }
  }

  /// Shares the blocks of the source, or leaves nothing where the file system cannot.
  private static func reflink(_ source: FilePath, _ target: FilePlace) throws -> Bool {
    try createOrLeaveNothing(source, target) { input, output in
      files_share_blocks(input, output) == 0
    }
  }

  /// Lets the system copy the bytes, or leaves nothing where it cannot between the two files.
  private static func systemCopy(
    _ source: FilePath, _ target: FilePlace, _ count: Int, _ data: [Range<Int>]
  ) throws -> Bool {
    try createOrLeaveNothing(source, target) { input, output in
      try FileSystem.extend(FileDescriptor(rawValue: output), to: count, target.path)
      for range in data {
        var (from, to) = (Int64(range.lowerBound), Int64(range.lowerBound))
        while from < range.upperBound {
          let left = range.upperBound - Int(from)
          let result = files_copy_range(input, &from, output, &to, left)
          if result < 0, errno == ENOSPC { throw FileSystem.failure("cannot write", target.path) }
          if result <= 0 { return false }
        }
      }
      return true
    }
  }

  /// Creates the target for `body`, and removes it again where that says no.
  private static func createOrLeaveNothing(
    _ source: FilePath, _ target: FilePlace, _ body: (CInt, CInt) throws -> Bool
  ) throws -> Bool {
    let input = open(source.string, O_RDONLY)
    guard input >= 0 else {
      throw FileSystem.failure(
        "cannot open the file", source, as: errno == ENOENT ? .missing : .io)
    }
    defer { close(input) }
    let output = try target.create()
    defer { try? output.close() }
    let isDone = try body(input, output.rawValue)
    if !isDone { try target.remove() }
    return isDone
  }
}
