import Containers
import JSON

/// What lies beside the weights and is no part of the model that is read.
struct SidecarSummary {
  private let files: [Sidecar]
  private let undecodable: [String]
  /// What is said where the container is named.
  private let unread: Set<String>

  /// Looks at the files; where one cannot be read, the section is left out.
  init(_ checkpoint: StoredCheckpoint) {
    files = (try? checkpoint.neighbours()) ?? []
    undecodable = checkpoint.undecodable
    unread = Set(checkpoint.unread)
  }

  /// Each file by name and kind.
  var json: [JSONObject] {
    files.map { ["name": .string($0.name), "kind": .string($0.kind.rawValue)] }
      + undecodable.map { ["name": .string($0), "kind": "undecodable"] }
  }

  /// A line for each kind that is no part of the model.
  var lines: [String] {
    let kinds: [(Sidecar.Kind, String)] = [
      (.weights, "weights that are not read"),
      (
        .adapter,
        "an adapter (LoRA or alike), which is not merged and not part of what is read; graft convert --adapter merges it"
      ),
      (.training, "state of training, not read"), (.program, "programs, never run"),
      (.unknown, "neither text nor known"),
    ]
    let known = kinds.compactMap { kind, words in
      let names = files.filter { $0.kind == kind }.map(\.name)
      return Self.line(kind == .weights ? names.filter { !unread.contains($0) } : names, words)
    }
    return known + [Self.line(undecodable, "names that are not UTF-8")].compactMap(\.self)
  }

  private static func line(_ names: [String], _ words: String) -> String? {
    guard !names.isEmpty else { return nil }
    let shown = names.prefix(12).joined(separator: ", ")
    return words + ": " + shown + (names.count > 12 ? ", … (\(names.count) files)" : "")
  }
}
