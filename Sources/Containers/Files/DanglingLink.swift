import Diagnostics
import Platform
import SystemPackage

/// A symbolic link whose target is not there.
struct DanglingLink {
  let path: FilePath
  /// What the link says.
  let target: String

  /// Nil where the path is no link, or leads to something.
  init?(_ path: FilePath) {
    guard FileKind(path) == .absent else { return nil }
    let most = Int(PATH_MAX)
    var bytes = [CChar](repeating: 0, count: most)
    let count = readlink(path.string, &bytes, most)
    guard count > 0 else { return nil }
    self.path = path
    target = String(decoding: bytes.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Whether the link is one of those with which caches of downloads name their files.
  private var isOfCache: Bool { target.split(separator: "/").contains("blobs") }

  var problem: Problem {
    if isOfCache {
      Problem(
        .missing, "a link of a download cache leads to a missing blob", file: path.string,
        found: target, remedy: "download the model again, with the tool that made the cache")
    } else {
      Problem(
        .missing, "a link that leads nowhere", file: path.string, found: target,
        remedy: "fetch the file or remove the link")
    }
  }
}
