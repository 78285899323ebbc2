import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors

/// A file beside the weights that the output has, too.
public struct TravellingFile: Sendable {
  /// The name of the file.
  public let name: String
  /// Where it lies.
  let path: FilePath
  /// What is written instead of its bytes; nil where they are copied.
  let changed: [UInt8]?
}

/// What becomes of the files beside the weights.
///
/// Settings, tokenizers and plain text travel. Other weights, the state of training and unknown files stay
/// behind. Programs travel if that is allowed.
struct TravellingFiles {
  /// The files that travel.
  private(set) var files: [TravellingFile] = []
  /// What stays behind.
  private(set) var dropped: [LeftOut] = []

  /// The largest document that is searched.
  /// - Units: bytes.
  private static let limit = 64 << 20

  /// Looks at all files beside the weights.
  /// - Parameters:
  ///   - allowsCode: whether programs travel, and keys that name them.
  ///   - keepsRecordings: whether the output computes what the source does.
  ///   - stale: files that describe the source but not the output; the report lists them elsewhere.
  ///   - edited: the bytes of files that say something else in the output.
  /// - Throws: `Problem` where a file cannot be read.
  init(
    _ checkpoint: StoredCheckpoint, allowsCode: Bool, keepsRecordings: Bool, stale: [String],
    edited: [String: [UInt8]] = [:]
  ) throws {
    let others = try checkpoint.neighbours().filter {
      $0.name != Manifest.fileName && !stale.contains($0.name)
    }
    for file in others {
      let path = checkpoint.path(file.name)
      if let bytes = edited[file.name] {
        files.append(TravellingFile(name: file.name, path: path, changed: bytes))
      } else if let own = CodeFile.bytes(named: file.name) {
        if try !checkpoint.holds(own, in: file.name) {
          leave(file, "not the file that Graft has of this name")
        }
      } else if let reason = file.kind.reason(allowsCode, keepsRecordings) {
        leave(file, reason)
      } else {
        try take(file, path, allowsCode)
      }
    }
  }

  private mutating func leave(_ file: Sidecar, _ reason: String) {
    dropped.append(LeftOut(.file, file.name, reason))
  }

  private mutating func take(_ file: Sidecar, _ path: FilePath, _ allowsCode: Bool) throws {
    var changed: [UInt8]?
    if !allowsCode, Self.isDocument(file.name) {
      guard try MappedFile(path).count <= Self.limit else {
        return leave(file, "too large to be searched for names of programs")
      }
      let bytes = try MappedFile.readAll(path, limit: Self.limit)
      let cut = try? ProgramKeyCut(bytes)
      if cut == nil, ProgramKeys.mayOccur(in: bytes) {
        return leave(file, "no strict JSON, and may name a program")
      }
      if let cut, !cut.names.isEmpty { changed = cut.bytes }
      dropped +=
        (cut?.names ?? []).map { LeftOut(.program, "\(file.name): \($0)", ProgramKeys.reason) }
    }
    files.append(TravellingFile(name: file.name, path: path, changed: changed))
  }

  /// Whether a library may read settings from a file; large vocabularies, whose keys are tokens, are not
  /// searched.
  private static func isDocument(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.hasSuffix(".json") && !["tokenizer.json", "vocab.json"].contains(name)
  }
}

extension Sidecar.Kind {
  /// Why a file stays behind; nil where it travels.
  fileprivate func reason(_ allowsCode: Bool, _ keepsRecordings: Bool) -> String? {
    switch self {
    case .text: nil
    case .recording: keepsRecordings ? nil : "file that may record what the source computes"
    case .program: allowsCode ? nil : "program; --allow code keeps it"
    case .weights: "weights that are not read"
    case .adapter: "adapter, not merged; --adapter merges it"
    case .training: "state of training"
    case .unknown: "neither text nor known"
    }
  }
}

extension StoredCheckpoint {
  /// What lies among or beside the weights, is no file beside them and is not copied.
  var leftBehind: [LeftOut] {
    ignored.map { LeftOut(.value, $0.text, "not a weight") }
      + unread.filter { $0 == Self.configName }.map {
        LeftOut(.file, $0, "the weights say themselves what they are")
      }
      + subdirectories.map {
        LeftOut(.file, $0, KnownFiles.isTraining($0) ? "state of training" : "subdirectory")
      }
      + undecodable.map { LeftOut(.file, $0, "name that is not UTF-8") }
  }
}
