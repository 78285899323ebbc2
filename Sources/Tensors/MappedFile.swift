import Diagnostics
import Platform
import SystemPackage

/// A file opened for reading and mapped into memory.
///
/// - Cost: address space only; pages are read on first touch and can be dropped by the system.
public final class MappedFile: ByteStorage, @unchecked Sendable {
  /// The path as it was given.
  public let path: FilePath
  /// The bytes of the whole file.
  public let bytes: UnsafeRawBufferPointer
  private let guardNumber: Int32

  /// The number of bytes.
  public var count: Int { bytes.count }

  /// Opens and maps a regular file; symbolic links are followed.
  /// - Throws: `Problem` of kind `missing`, `invalid` (not a regular file) or `io`.
  public convenience init(_ path: FilePath) throws {
    let descriptor = try openForReading(path)
    defer { try? descriptor.close() }
    try self.init(descriptor, named: path)
    InputFiles.add(path)
  }

  /// Maps a regular file that is open, and may be closed afterwards.
  /// - Throws: `Problem` of kind `invalid` (not a regular file) or `io`.
  public init(_ descriptor: FileDescriptor, named path: FilePath) throws {
    self.path = path
    let size = try regularFileSize(descriptor, path)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      guardNumber = -1
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor.rawValue, 0)
    guard let address, address != MAP_FAILED else {
      throw Problem(
        .io, "cannot map the file: \(Errno(rawValue: errno))", file: path.string,
        remedy: "copy the file to a local disk and try again")
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
    guardNumber = Shortening.watch(address, size, path)
  }

  deinit {
    Shortening.forget(guardNumber)
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }

  /// Takes a range of the file out of the memory of the process, with all that the system may have
  /// brought in around it; the system may keep it.
  public func release(_ range: Range<Int>) {
    guard let base = bytes.baseAddress, !range.isEmpty else { return }
    let first = Int(bitPattern: base)
    let start = max(first, (first + range.lowerBound) / Self.surroundings * Self.surroundings)
    let end = min(first + bytes.count, first + range.upperBound + Self.surroundings)
    madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED)
  }

  /// The most that one access brings in: a large page of the processor, as Linux has files in memory.
  /// - Units: bytes.
  static let surroundings = 2 << 20

  /// Reads a whole small file (a config, an index) into an array.
  /// - Throws: `Problem` of kind `missing`, `invalid` (also where the file is larger than `limit`)
  ///   or `io`.
  public static func readAll(_ path: FilePath, limit: Int) throws -> [UInt8] {
    let file = try MappedFile(path)
    guard file.bytes.count <= limit else {
      throw Problem(
        .invalid, "the file is too large for what it should be", file: path.string,
        expected: "at most \(limit) bytes", found: "\(file.bytes.count) bytes",
        remedy: "check that the path names the right file")
    }
    return Array(file.bytes)
  }
}

private func openForReading(_ path: FilePath) throws -> FileDescriptor {
  do {
    // Without waiting for somebody to write into a pipe, which is refused as soon as it is open.
    return try FileDescriptor.open(path, .readOnly, options: .nonBlocking)
  } catch let error as Errno {
    let kind: Problem.Kind =
      error == .noSuchFileOrDirectory || error == .notDirectory
      ? .missing : .io
    throw Problem(
      kind, "cannot open the file: \(error)", file: path.string,
      remedy: kind == .missing ? "check the path" : "check that you may read it")
  }
}

private func regularFileSize(_ descriptor: FileDescriptor, _ path: FilePath) throws -> Int {
  var status = stat()
  guard fstat(descriptor.rawValue, &status) == 0 else {
    throw Problem(
      .io, "cannot stat the file: \(Errno(rawValue: errno))", file: path.string,
      remedy: "check the disk and try again")
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw Problem(
      .invalid, "not a regular file", file: path.string,
      remedy: "give a file, no directory, pipe or device")
  }
  return Int(status.st_size)
}
