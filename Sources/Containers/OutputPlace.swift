import Diagnostics
import SystemPackage

/// Where an output will appear, checked before any work is done.
struct OutputPlace {
  let destination: FilePath
  let overwrite: Bool

  /// Checks that the destination is free, or may be overwritten.
  /// - Parameter inputs: what overwriting the destination must not remove.
  init(_ destination: FilePath, overwrite: Bool, inputs: [FilePath], kind: FileKind) throws {
    guard let name = destination.lastComponent, name.kind == .regular else {
      throw Problem(
        .exists, "the output cannot be created", file: destination.string,
        expected: "a path that ends in a name", found: "\"\(destination.string)\"",
        remedy: "give the path of what is to be written")
    }
    self.destination = destination
    self.overwrite = overwrite
    guard FileKind(parent) == .directory else {
      throw Problem(
        .exists, "the output cannot be created", file: destination.string,
        expected: "an existing directory", found: "no directory \(parent.string)",
        remedy: "create it, or choose another path")
    }
    guard FileKind(destination, followingLinks: false) != .absent else { return }
    if !overwrite { throw Self.taken(destination) }
    guard FileKind(destination) == kind else {
      throw Problem(
        .exists, "the output exists and is not what would replace it", file: destination.string,
        expected: kind == .directory ? "a directory" : "a file",
        found: kind == .directory ? "something else" : "not a regular file",
        remedy: "choose another path for the output, or move it away")
    }
    for input in inputs { try refuseRemoving(input) }
    if kind == .directory { try refuseRemovingDirectories() }
  }

  /// The problem that there is something already.
  static func taken(_ destination: FilePath) -> Problem {
    Problem(
      .exists, "the output exists already", file: destination.string,
      remedy: "choose another path, or give --overwrite")
  }

  /// An input may be replaced by its own output but not lie inside what is removed.
  private func refuseRemoving(_ input: FilePath) throws {
    guard let inside = FileSystem.resolved(input), let outside = FileSystem.resolved(destination),
      inside != outside, inside.starts(with: outside)
    else { return }
    throw Problem(
      .exists, "overwriting the output would remove an input", file: destination.string,
      found: "\(inside.string) inside it", remedy: "choose another path for the output")
  }

  /// No output has directories in it, so that what has some is somebody's work.
  private func refuseRemovingDirectories() throws {
    let names = try DirectoryListing(destination).directories
    guard !names.isEmpty else { return }
    throw Problem(
      .exists, "overwriting the output would remove the directories in it",
      file: destination.string, found: names.joined(separator: ", "),
      remedy: "choose another path for the output, or remove them yourself")
  }

  /// The directory in which the output appears.
  var parent: FilePath {
    let parent = destination.removingLastComponent()
    return parent.isEmpty ? "." : parent
  }

  /// The directory beside the destination in which everything lies until it is complete.
  var unfinished: FilePath { Self.unfinished(of: destination) }

  /// The directory in which an output lies until it is complete.
  static func unfinished(of destination: FilePath) -> FilePath {
    let name = destination.lastComponent?.string ?? ""
    return destination.removingLastComponent().appending("\(name).graft-partial")
  }

  /// A hidden name beside the destination that nobody else uses.
  func temporary() -> FilePath {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    let suffix = String((0..<6).map { _ in letters[Int.random(in: letters.indices)] })
    let name = destination.lastComponent?.string ?? ""
    return destination.removingLastComponent().appending(".\(name).graft-\(suffix)")
  }
}
