import Platform
import SystemPackage

/// What the system says of a file, a link or a directory.
struct FileStatus {
  /// What tells a file from all others of the machine.
  struct Identity: Hashable {
    let device: dev_t
    let number: ino_t
  }

  /// The kinds that make a difference.
  enum Kind {
    case file, directory, link, other
  }

  let kind: Kind
  let identity: Identity
  /// How many names it has.
  let links: Int
  /// - Units: bytes.
  let size: Int
  private let owner: uid_t
  private let mode: mode_t

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .directory
    case S_IFLNK: kind = .link
    default: kind = .other
    }
    identity = Identity(device: status.st_dev, number: status.st_ino)
    links = Int(status.st_nlink)
    size = Int(status.st_size)
    owner = status.st_uid
    mode = status.st_mode
  }

  /// What is open.
  init(of descriptor: FileDescriptor, _ path: FilePath) throws {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      throw FileSystem.failure("cannot stat the file", path)
    }
    self.init(status)
  }

  /// The bits of the mode that say who may do what.
  var permissions: mode_t { mode & 0o7777 }
  /// Whether it belongs to the user who runs this.
  var isMine: Bool { owner == geteuid() }
  /// Whether the group or everybody may write.
  var isOpenToOthers: Bool { mode & 0o022 != 0 }

  /// What it is, for a message; nil for a file of its own name alone.
  var oddity: String? {
    switch kind {
    case .file: links > 1 ? "a file with \(links) names" : nil
    case .directory: "a directory"
    case .link: "a link"
    case .other: "not a regular file"
    }
  }
}
