import Containers
import Opening

/// A pair of a file's metadata that is another one in files of its layout.
package struct StrangeMetadata: Hashable, Sendable {
  /// The name of the file.
  package let file: String
  /// The key.
  package let key: String
  /// What the file says; nil where it says nothing.
  package let found: String?
  /// What files of the layout say.
  package let due: String
}

extension OpenedModel {
  /// What files say of the library they are for, where they say other things than files of the layout, or
  /// say everything but that: libraries refuse such files or take them for another's. A file without any
  /// metadata is read.
  package var strangeMetadata: [StrangeMetadata] {
    guard checkpoint.container == .safetensors else { return [] }
    return checkpoint.shards.filter { !$0.content.metadata.isEmpty }.flatMap { shard in
      layout.metadata.compactMap { key, due in
        let found = shard.content.metadata.first { $0.key == key }?.value
        return found == due
          ? nil : StrangeMetadata(file: shard.fileName, key: key, found: found, due: due)
      }
    }
  }

  var metadataFindings: [AuditFinding] {
    strangeMetadata.map { one in
      AuditFinding(
        severity: .warning, kind: "metadata", tensor: nil, file: one.file,
        text: "metadata \(one.key) is \(one.found ?? "not given"), not \(one.due)")
    }
  }
}
