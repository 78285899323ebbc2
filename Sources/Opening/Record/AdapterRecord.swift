import JSON
import SystemPackage

/// What was merged into a model, for the record of a conversion.
public struct AdapterRecord: Hashable, Sendable {
  /// A file that was read.
  public struct File: Hashable, Sendable {
    /// Its name, without its folder, which is meaningless on another machine.
    public let name: String
    /// The hash of its bytes.
    public let sha256: String
    /// Where it was read.
    package let path: FilePath

    /// A file by its place and hash.
    public init(_ path: FilePath, sha256: String) {
      name = path.lastComponent?.string ?? path.string
      (self.path, self.sha256) = (path, sha256)
    }
  }

  /// What becomes of one module, or of one tensor that belongs to none alone.
  public struct Change: Hashable, Sendable {
    /// How values change.
    public enum Kind: String, Sendable {
      case product
      case normedProduct = "product with norms"
      case bias
      case rows = "rows replaced"
      case whole = "replaced"
    }

    /// The name in the adapter.
    public let module: String
    /// How values change.
    public let kind: Kind
    /// The rank of a product.
    public let rank: Int?
    /// What a product or a bias is multiplied with.
    public let scale: Double?
    /// The tensors of the base, by stored name.
    public private(set) var tensors: [String] = []

    /// A change of tensors that are named later.
    public init(module: String, kind: Kind, rank: Int?, scale: Double?) {
      (self.module, self.kind, self.rank, self.scale) = (module, kind, rank, scale)
    }

    /// The change with the tensors of the base.
    public func of(_ tensors: [String]) -> Change {
      var change = self
      change.tensors = tensors.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
      return change
    }

    /// The change as the fields of a document.
    public var json: JSONObject {
      [
        "module": .string(module), "kind": .string(kind.rawValue),
        "rank": rank.map { JSONValue($0) } ?? .null, "scale": scale.map { JSONValue($0) } ?? .null,
        "tensors": .array(tensors.map { .string($0) }),
      ]
    }
  }

  /// The files.
  public let files: [File]
  /// What all changes were multiplied with, beside what the settings say.
  public let scale: Double
  /// The tensors of the base that were changed, by stored name.
  public let tensors: [String]
  /// How many products of thin matrices were added.
  public let products: Int
  /// How many tensors, or rows of one, were replaced.
  public let replaced: Int
  /// The type to which packed weights were dequantised, whose sum with the changes was rounded once; nil where
  /// none were.
  public let dequantised: String?
  /// What is changed, in the order of the adapter.
  public let changes: [Change]

  /// A record from its parts.
  public init(
    files: [File], scale: Double, tensors: [String], products: Int, replaced: Int,
    dequantised: String?, changes: [Change]
  ) {
    (self.files, self.scale, self.tensors) = (files, scale, tensors)
    (self.products, self.replaced, self.dequantised) = (products, replaced, dequantised)
    self.changes = changes
  }

  /// The record as the fields of a document.
  public var json: JSONObject {
    [
      "files": .array(
        files.map { .object(["name": .string($0.name), "sha256": .string($0.sha256)]) }),
      "scale": JSONValue(scale), "tensors": .array(tensors.map { .string($0) }),
      "products": JSONValue(products), "replaced": JSONValue(replaced),
      "dequantised": dequantised.map { .string($0) } ?? .null,
    ]
  }
}

extension OpenedModel {
  /// The files beside the weights that were merged into the model.
  package var mergedNeighbours: [String] {
    adapters.flatMap(\.files).filter { $0.path == checkpoint.path($0.name) }.map(\.name)
  }
}
