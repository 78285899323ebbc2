import Foundation
import SystemPackage

/// A directory of its own for one test, removed with its owner.
public final class TemporaryDirectory {
  /// The path of the directory.
  public let path: FilePath

  /// Makes an empty directory.
  public init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("graft-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  /// A copy of a fixture to spoil, in the place of an earlier one.
  public func copy(of fixture: String) throws -> FilePath {
    let copy = path.appending("copy")
    try? FileManager.default.removeItem(atPath: copy.string)
    try FileManager.default.copyItem(
      atPath: Fixtures.path(fixture).string, toPath: copy.string)
    return copy
  }

  /// Writes a file into the directory.
  @discardableResult
  public func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> FilePath {
    let file = path.appending(name)
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    return file
  }
}
