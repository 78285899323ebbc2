import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc

  // Declared by glibc only to C sources that define _GNU_SOURCE.
  @_silgen_name("renameat2")
  private func renameat2(
    _ oldDirectory: CInt, _ old: UnsafePointer<CChar>, _ newDirectory: CInt,
    _ new: UnsafePointer<CChar>, _ flags: CUnsignedInt
  ) -> CInt
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension FileSystem {
  private enum RenameFlag: UInt32 {
    case withoutReplacing = 1
    case exchanging = 2
  }

  /// Gives a new file or directory its name, which must be free.
  /// - Throws: `Problem` of kind `exists` where it has been taken meanwhile.
  static func publish(_ temporary: FilePath, as destination: FilePath) throws {
    if let done = renameSpecially(temporary, destination, .withoutReplacing) {
      guard done else { throw OutputPlace.taken(destination) }
      return
    }
    try publishPlainly(temporary, as: destination)
  }

  /// The same where the system cannot refuse to replace by itself.
  static func publishPlainly(_ temporary: FilePath, as destination: FilePath) throws {
    guard FileKind(destination, followingLinks: false) == .absent else {
      throw OutputPlace.taken(destination)
    }
    try move(temporary, destination)
  }

  /// Puts a new directory in the place of an old one and removes the old one.
  ///
  /// Where the system can exchange two names at once, the destination is complete at every moment.
  /// - Parameter aside: where the old one waits else.
  static func replaceDirectory(
    _ destination: FilePath, with temporary: FilePath, aside: FilePath
  ) throws {
    if renameSpecially(temporary, destination, .exchanging) == true {
      return try removeTree(temporary)
    }
    try replaceInSteps(destination, with: temporary, aside: aside)
  }

  /// The same where the system cannot exchange names: one after the other, back again where that fails.
  static func replaceInSteps(
    _ destination: FilePath, with temporary: FilePath, aside: FilePath
  ) throws {
    if FileKind(aside, followingLinks: false) != .absent { try removeTree(aside) }
    try move(destination, aside)
    do {
      try move(temporary, destination)
    } catch {
      try move(aside, destination)
      throw error
    }
    try removeTree(aside)
  }

  /// Renames, replacing a file of that name.
  static func move(_ source: FilePath, _ destination: FilePath) throws {
    guard rename(source.string, destination.string) == 0 else {
      throw failure("cannot give the output its name", destination)
    }
  }

  /// - Returns: false where the destination is in the way; nil where the system cannot do it.
  private static func renameSpecially(
    _ source: FilePath, _ destination: FilePath, _ flag: RenameFlag
  )
    -> Bool?
  {
    #if canImport(Glibc)
      if renameat2(AT_FDCWD, source.string, AT_FDCWD, destination.string, flag.rawValue) == 0 {
        return true
      }
      return errno == EEXIST ? false : nil
    #else
      return nil
    #endif
  }
}
