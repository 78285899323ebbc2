import Diagnostics
import Platform
import SystemPackage

/// The names in one directory by kind; symbolic links count as what they lead to.
package struct DirectoryListing {
  /// The regular files, sorted.
  package private(set) var files: [String] = []
  /// The directories, sorted.
  package private(set) var directories: [String] = []
  /// The links that lead nowhere, sorted.
  package private(set) var dangling: [String] = []
  /// The names that are not UTF-8, with their other bytes as `\\xFF`; nothing else is known of them.
  private(set) var undecodable: [String] = []

  /// Lists a directory.
  /// - Throws: `Problem` of kind `missing` or `io`.
  package init(_ path: FilePath) throws {
    for raw in try Self.rawNames(path) {
      guard let name = String(validating: raw, as: UTF8.self) else {
        undecodable.append(PrintableText.text(of: raw))
        continue
      }
      switch FileKind(path.appending(name)) {
      case .regular: files.append(name)
      case .directory: directories.append(name)
      case .absent: dangling.append(name)
      case .other: continue
      }
    }
  }

  /// Leaves out all but some files.
  mutating func keep(_ names: Set<String>) {
    files.removeAll { !names.contains($0) }
    (directories, dangling) = ([], [])
  }

  /// All names in a directory but `.` and `..`, sorted by their bytes.
  static func names(_ path: FilePath) throws -> [String] {
    try rawNames(path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of all names in a directory but `.` and `..`, sorted.
  private static func rawNames(_ path: FilePath) throws -> [[UInt8]] {
    guard let stream = opendir(path.string) else {
      let error = Errno(rawValue: errno)
      throw Problem(
        error == .noSuchFileOrDirectory ? .missing : .io, "cannot list the directory: \(error)",
        file: path.string, remedy: "check the path, and that you may read it")
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}

/// What a path leads to.
public enum FileKind: Sendable {
  case regular, directory, other, absent

  /// Looks at a path; symbolic links are followed unless told not to.
  public init(_ path: FilePath, followingLinks: Bool = true) {
    var status = stat()
    let result = followingLinks ? stat(path.string, &status) : lstat(path.string, &status)
    guard result == 0 else {
      self = .absent
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    default: self = .other
    }
  }
}
