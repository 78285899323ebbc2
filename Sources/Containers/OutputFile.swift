import Diagnostics
import SystemPackage

/// A file that appears under its name complete or not at all.
///
/// It is written under a hidden name beside the destination; what has not been committed is removed
/// with its owner.
public final class OutputFile {
  /// The path at which to create the file, once, before `commit()`.
  public let path: FilePath
  private let place: OutputPlace
  private var isOpen = true

  /// Chooses the hidden name.
  /// - Throws: `Problem` of kind `exists` where the destination exists or its directory does not.
  public init(at destination: FilePath, overwrite: Bool = false) throws {
    place = try OutputPlace(destination, overwrite: overwrite, inputs: [], kind: .regular)
    path = place.temporary()
    _ = UnfinishedOutputs.begin(path) { true }
  }

  deinit { abort() }

  /// Where the file appears.
  public var destination: FilePath { place.destination }

  /// Makes the file appear: waits for the disk, then renames.
  /// - Throws: `Problem` of kind `exists` where the destination has appeared meanwhile, or `io`.
  public func commit() throws {
    try FileSystem.synchronise(path)
    try UnfinishedOutputs.finish(path) {
      if place.overwrite {
        try FileSystem.move(path, destination)
      } else {
        try FileSystem.publish(path, as: destination)
      }
    }
    isOpen = false
    try FileSystem.synchronise(place.parent)
  }

  /// Writes a whole small file and makes it appear.
  public static func write(_ bytes: [UInt8], to destination: FilePath, overwrite: Bool = false)
    throws
  {
    let file = try OutputFile(at: destination, overwrite: overwrite)
    var sink = try ByteSink(creating: file.path)
    try bytes.withUnsafeBytes { try sink.write($0) }
    try sink.close()
    try file.commit()
  }

  /// Removes what has been written so far; does nothing after `commit()`.
  public func abort() {
    guard isOpen else { return }
    isOpen = false
    UnfinishedOutputs.finish(path) { try? FileSystem.removeTree(path) }
  }
}
