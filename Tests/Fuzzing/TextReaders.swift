import Containers
import Diagnostics
import JSON
import Platform
import SystemPackage
import Verification

/// Readers of text.
enum TextReaders {
  /// What was read must read the same after it was written.
  static func json(_ input: UnsafeRawBufferPointer) throws {
    let value = try JSONValue(parsing: input)
    let again = try JSONValue(parsing: Array(value.text().utf8))
    guard again == value else { fatalError("another value after writing and reading") }
  }

  static func index(_ input: UnsafeRawBufferPointer) throws {
    let index = try ShardIndex(parsing: input)
    for (_, file) in index.weightMap where file.contains("/") || file == ".." {
      fatalError("a file name that leaves the directory: \(file)")
    }
    let again = try Array(index.text.utf8).withUnsafeBytes { try ShardIndex(parsing: $0) }
    guard again.weightMap.count == index.weightMap.count else { fatalError("another index") }
  }

  /// A file of tokens, whose first byte chooses its kind.
  static func tokens(_ input: UnsafeRawBufferPointer) throws {
    let kinds = ["json", "txt", "safetensors", "bin"]
    let kind = kinds[Int(input.first ?? 0) % kinds.count]
    let path = directory.appending("tokens.\(kind)")
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try file.closeAfter { _ = try file.writeAll(input.dropFirst()) }
    _ = try TokenFile.read(path, asBytes: kind == "bin")
  }

  /// A directory of this process; the script that starts it removes it.
  private static let directory: FilePath = {
    let path = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
    return path
  }()
}
