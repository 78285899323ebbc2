import Diagnostics
import SystemPackage
import Tensors

/// A test by which a file is recognised that an output may replace.
public struct FileMark: Sendable {
  /// What it is, for messages, such as "page".
  let name: String
  let holds: @Sendable (MappedFile) -> Bool

  /// A mark that a file bears or not.
  public init(_ name: String, holds: @escaping @Sendable (MappedFile) -> Bool) {
    (self.name, self.holds) = (name, holds)
  }
}

/// A file that appears under its name complete or not at all.
///
/// It is written under a hidden name beside the destination; what has not been committed is removed
/// with its owner.
public final class OutputFile {
  /// The place at which to create the file, once, before `commit()`.
  public let file: FilePlace
  private let output: OutputPlace
  private let mark: FileMark?
  private var isOpen = true

  /// Chooses the hidden name.
  /// - Parameter mark: recognises an existing file that may be replaced; nil to replace none.
  /// - Throws: `Problem` of kind `exists` where something else is at the destination, or its directory
  ///   does not exist.
  public init(at destination: FilePath, replacing mark: FileMark? = nil) throws {
    output = try OutputPlace(destination)
    self.mark = mark
    file = output.temporary()
    _ = try existing()
    let file = file
    UnfinishedOutputs.begin(file.path) { ((), { (try? file.remove()) != nil }) }
  }

  deinit { abort() }

  /// Where the file appears.
  public var destination: FilePath { output.destination }

  /// The file that will be replaced.
  /// - Throws: `Problem` of kind `exists` where that may not be replaced.
  private func existing() throws -> FileStatus.Identity? {
    guard let status = try output.existing(.file, overwrite: mark != nil) else { return nil }
    try output.refuseRemoving([])
    if let mark, try !mark.holds(output.place.mapped()) {
      throw Problem(
        .exists, "the file is there and is not a \(mark.name) that could be replaced",
        file: destination.string, expected: "no file, or a \(mark.name) of an earlier run",
        remedy: "choose another path for the \(mark.name)")
    }
    return status.identity
  }

  /// Makes the file appear: waits for the disk, then renames.
  /// - Throws: `Problem` of kind `exists` where the destination has appeared meanwhile, or `io`.
  public func commit() throws {
    try file.synchronise()
    try UnfinishedOutputs.finish(file.path) {
      if let old = try existing() {
        try replace(old)
      } else {
        try file.publish(as: output.place)
      }
    }
    isOpen = false
    try output.parent.synchronise()
  }

  private func replace(_ old: FileStatus.Identity) throws {
    guard file.exchange(with: output.place) else { return try file.move(to: output.place) }
    guard try file.status()?.identity == old else {
      _ = file.exchange(with: output.place)
      throw OutputPlace.taken(destination)
    }
    try file.remove()
  }

  /// Writes a whole small file and makes it appear.
  public static func write(
    _ bytes: [UInt8], to destination: FilePath, replacing mark: FileMark? = nil
  ) throws {
    let file = try OutputFile(at: destination, replacing: mark)
    try write(bytes, to: file.file)
    try file.commit()
  }

  /// Writes a whole small file of an output that has not appeared yet.
  public static func write(_ bytes: [UInt8], to place: FilePlace) throws {
    var sink = try ByteSink(creating: place)
    try sink.write(bytes)
    try sink.close()
    try place.synchronise()
  }

  /// Removes what has been written so far; does nothing after `commit()`.
  public func abort() {
    guard isOpen else { return }
    isOpen = false
    UnfinishedOutputs.finish(file.path) { try? file.remove() }
  }
}
