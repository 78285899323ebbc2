import Diagnostics
import SystemPackage
import Tensors

/// Where an output will appear, checked before any work is done.
struct OutputPlace {
  let destination: FilePath
  /// The directory in which the output appears.
  let parent: HeldDirectory
  private let name: FilePath.Component

  /// Opens the directory in which the output will be.
  /// - Throws: `Problem` of kind `exists` where that cannot take it.
  init(_ destination: FilePath) throws {
    guard let name = destination.lastComponent, name.kind == .regular else {
      throw Problem(
        .exists, "the output cannot be created", file: destination.string,
        expected: "a path that ends in a name", found: "\"\(destination.string)\"",
        remedy: "give the path of what is to be written")
    }
    self.name = name
    self.destination = destination
    let parent = destination.removingLastComponent()
    do { self.parent = try HeldDirectory(named: parent) } catch let error as Errno {
      guard [.noSuchFileOrDirectory, .notDirectory].contains(error) else {
        throw FileSystem.failure("the output cannot be created", destination, error, as: .exists)
      }
      throw Problem(
        .exists, "the output cannot be created", file: destination.string,
        expected: "an existing directory", found: "no directory \(parent.string)",
        remedy: "create it, or choose another path")
    }
  }

  /// The place of the output.
  var place: FilePlace { parent.place(name) }

  /// What is there already; nil for nothing.
  /// - Throws: `Problem` of kind `exists` where that may not be replaced by another of its kind.
  func existing(_ kind: FileStatus.Kind, overwrite: Bool) throws -> FileStatus? {
    guard let status = try place.status() else { return nil }
    if !overwrite { throw Self.taken(destination) }
    guard status.kind == kind else {
      throw Problem(
        .exists, "the output exists and is not what would replace it", file: destination.string,
        expected: kind == .directory ? "a directory" : "a file",
        found: status.oddity ?? "a file",
        remedy: "choose another path for the output, or move it away")
    }
    return status
  }

  /// The problem that there is something already.
  static func taken(_ destination: FilePath) -> Problem {
    Problem(
      .exists, "the output exists already", file: destination.string,
      remedy: "choose another path, or give --overwrite")
  }

  /// Refuses to replace what the run reads.
  /// - Parameter inputs: directories and files; what the process has read is added to them.
  func refuseRemoving(_ inputs: [FilePath]) throws {
    guard let outside = FileSystem.resolved(destination) else { return }
    let read = InputFiles.first(at: outside).map { [$0] } ?? []
    for inside in inputs.compactMap(FileSystem.resolved) + read where inside.starts(with: outside) {
      throw Problem(
        .exists, "overwriting the output would remove an input", file: destination.string,
        found: inside == outside ? "the input itself" : "\(inside.string) inside it",
        remedy: "choose another path for the output")
    }
  }

  /// The directory beside the destination in which everything lies until it is complete.
  var unfinished: FilePlace { parent.place(name.adding("", Self.suffix)) }

  private static let suffix = ".graft-partial"

  /// The path of the directory in which an output lies until it is complete.
  static func unfinished(of destination: FilePath) -> FilePath {
    guard let name = destination.lastComponent else { return destination }
    return destination.removingLastComponent().appending(name.adding("", suffix))
  }

  /// A hidden name beside the destination that nobody else uses.
  func temporary() -> FilePlace {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    let suffix = String((0..<6).map { _ in letters[Int.random(in: letters.indices)] })
    return parent.place(name.adding(".", ".graft-\(suffix)"))
  }
}

extension FilePath.Component {
  /// The name, whatever its bytes are, between two texts.
  fileprivate func adding(_ prefix: String, _ suffix: String) -> FilePath.Component {
    let bytes = withPlatformString { name in
      Array(prefix.utf8CString.dropLast())
        + UnsafeBufferPointer(start: name, count: string.isEmpty ? 0 : Self.length(name))
        + Array(suffix.utf8CString)
    }
    return bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { FilePath.Component(platformString: $0) } ?? self
    }
  }

  private static func length(_ name: UnsafePointer<CInterop.PlatformChar>) -> Int {
    var count = 0
    while name[count] != 0 { count += 1 }
    return count
  }
}
