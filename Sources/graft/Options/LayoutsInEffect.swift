import Layouts
import Opening
import Platform
import Synchronization
import SystemPackage

/// The layouts that a run knows.
enum LayoutsInEffect {
  /// What was read: a run asks several times and must get the same answer.
  private static let known = Mutex<[String: LayoutCatalogue]>([:])

  /// The layouts of the build and of a folder.
  /// - Parameter folder: as the command line names it; nil where it does not.
  /// - Throws: `Problem` where a file of the folder cannot be used.
  static func catalogue(_ folder: String?) throws -> LayoutCatalogue {
    guard let folder = folder ?? environmentFolder else { return try .builtIn() }
    return try known.withLock { known in
      if let catalogue = known[folder] { return catalogue }
      let catalogue = try LayoutCatalogue.including(FilePath(folder))
      known[folder] = catalogue
      return catalogue
    }
  }

  /// The folder that the environment names.
  private static var environmentFolder: String? {
    getenv("GRAFT_FORMATS").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension CommonOptions {
  /// The layouts that the run knows.
  /// - Throws: `Problem` where a layout file cannot be used.
  func catalogue() throws -> LayoutCatalogue { try LayoutsInEffect.catalogue(layoutFolder) }
}
