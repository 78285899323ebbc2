import Comparison
import Opening
import Reports
import Tensors

/// The stored tensors on a page: rule, type, shape and hash of each.
struct TensorSection {
  private let listing: TensorListing

  /// - Parameter isHashed: whether to read and hash all bytes.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  init(_ model: OpenedModel, isHashed: Bool, _ common: CommonOptions) throws {
    var listing = TensorListing(model)
    if isHashed {
      let bytes = listing.entries.reduce(0) { $0 + $1.tensor.byteCount }
      let progress = Progress("hashing", total: bytes, common)
      defer { progress.finish() }
      try listing.hash(threads: common.threads, progress: progress.advance)
    }
    self.listing = listing
  }

  var section: Page.Section {
    let entries = listing.entries
    let hasRules = entries.contains { $0.rule != nil }
    let hasHashes = entries.contains { ($0.hash ?? $0.recordedHash) != nil }
    var table = DataTable(
      "Stored tensors",
      [
        ("name", .code), ("dtype", .text), ("shape", .text), ("size", .number), ("holds", .wrap),
      ] + (hasRules ? [("rule", .text)] : []) + (hasHashes ? [("SHA-256", .code)] : []))
    for entry in entries {
      table.add(
        [
          entry.tensor.name, entry.tensor.type.rawValue, TensorShape.text(entry.tensor.shape),
          Quantity.bytes(entry.tensor.byteCount), entry.roles.joined(separator: ", "),
        ] + (hasRules ? [entry.rule ?? "–"] : []) + (hasHashes ? [Self.hash(entry)] : []),
        isMarked: Self.isUnlike(entry))
    }
    return Page.Section("Tensors", [.paragraph(note), table.markup])
  }

  private var note: String {
    let entries = listing.entries
    let unlike = entries.count(where: Self.isUnlike)
    guard entries.contains(where: { $0.hash != nil }) else {
      return entries.contains { $0.recordedHash != nil }
        ? "Rules and hashes as graft.json records them; --hash compares them with the bytes."
        : "There is no graft.json that tells rules and hashes; --hash computes hashes."
    }
    guard entries.contains(where: { $0.recordedHash != nil }) else {
      return "Hashes were computed; there is no graft.json to compare them with."
    }
    return unlike == 0
      ? "Hashes were computed and are those that graft.json records."
      : "Hashes were computed; \(Quantity.of(unlike, "tensor")) "
        + "\(unlike == 1 ? "has" : "have") other bytes than graft.json records."
  }

  private static func isUnlike(_ entry: TensorListing.Entry) -> Bool {
    guard let hash = entry.hash, let recorded = entry.recordedHash else { return false }
    return hash != recorded
  }

  private static func hash(_ entry: TensorListing.Entry) -> String {
    guard let hash = entry.hash ?? entry.recordedHash else { return "–" }
    return isUnlike(entry) ? "\(hash) ≠ \(entry.recordedHash ?? "")" : hash
  }
}
