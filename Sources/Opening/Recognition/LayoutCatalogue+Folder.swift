import Containers
import Diagnostics
import Layouts
import SystemPackage
import Tensors

extension LayoutCatalogue {
  /// The layouts of the build, and those of the files `*.json` of a folder, which may use parts from its
  /// folder `parts`.
  /// - Parameter folder: nil for the layouts of the build alone.
  /// - Throws: `Problem`, naming the file, for anything a layout file should not say, and for an id that
  ///   another layout has.
  /// - Cost: reads the files of the folder, all of them.
  public static func including(_ folder: FilePath?) throws -> LayoutCatalogue {
    guard let folder else { return try builtIn() }
    let parts = folder.appending("parts")
    let catalogue = try builtIn().adding(
      LayoutFile.all(in: folder, isRequired: true),
      parts: FileKind(parts) == .directory ? LayoutFile.all(in: parts, isRequired: false) : [])
    for outline in catalogue.outlines where outline.record != nil { _ = try outline.layout() }
    return catalogue
  }
}

extension LayoutFile {
  /// The most files of a folder that are read.
  private static let most = 256

  /// Reads a layout file.
  /// - Throws: `Problem` where it cannot be read or is too large for one.
  public init(_ path: FilePath) throws {
    let bytes = try MappedFile.readAll(path, limit: Self.largest)
    self.init(name: path.string, bytes: bytes, sha256: TensorHash.text(bytes))
  }

  /// The files `*.json` of a folder, sorted by name.
  fileprivate static func all(in folder: FilePath, isRequired: Bool) throws -> [LayoutFile] {
    guard FileKind(folder) != .regular else {
      throw Problem(
        .invalid, "layout files are read from a folder", file: folder.string,
        expected: "a folder with files *.json", found: "a file",
        remedy: "name its folder; graft formats --check FILE checks one file")
    }
    let listing = try DirectoryListing(folder)
    let names = (listing.files + listing.dangling).filter { $0.hasSuffix(".json") }.sorted()
    guard !names.isEmpty || !isRequired, names.count <= most else {
      throw Problem(
        .invalid, "a folder of layout files holds none, or too many", file: folder.string,
        expected: "1 to \(most) files *.json", found: "\(names.count)",
        remedy: "name the folder in which the layout files lie")
    }
    return try names.map { try LayoutFile(folder.appending($0)) }
  }
}
