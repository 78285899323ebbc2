import Diagnostics
import Platform
import SystemPackage

extension FileSystem {
  /// The parts of a file that hold data, in order; the whole where the system cannot tell.
  static func data(of path: FilePath, count: Int) throws -> [Range<Int>] {
    let descriptor = open(path.string, O_RDONLY | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("cannot open the file", path) }
    defer { close(descriptor) }
    var ranges: [Range<Int>] = []
    var place = 0
    while place < count {
      let start = Int(lseek(descriptor, off_t(place), nextData))
      if start < 0 { return errno == ENXIO ? ranges : [0..<count] }
      let end = Int(lseek(descriptor, off_t(start), nextHole))
      guard start >= place, end > start else { return [0..<count] }
      if start < count { ranges.append(start..<min(end, count)) }
      place = end
    }
    return ranges
  }

  /// Gives a new file its length without writing anything.
  static func extend(_ descriptor: FileDescriptor, to count: Int, _ path: FilePath) throws {
    guard count > 0, ftruncate(descriptor.rawValue, off_t(count)) != 0 else { return }
    throw failure("no room for \(count) bytes", path)
  }

  // SEEK_DATA and SEEK_HOLE, which glibc declares only to C sources that define _GNU_SOURCE.
  #if canImport(Darwin)
    private static let (nextData, nextHole): (Int32, Int32) = (4, 3)
  #else
    private static let (nextData, nextHole): (Int32, Int32) = (3, 4)
  #endif
}
