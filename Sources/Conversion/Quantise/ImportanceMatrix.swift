import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import SystemPackage
import Tensors

/// How much the inputs of the weights of a model matter, as llama-imatrix measured it.
public struct ImportanceMatrix: Sendable {
  /// The file, as it was named.
  private let path: String
  /// The hash of the file.
  private let hash: String
  private let dataset: String?
  private let chunks: Int
  /// The importances of each weight, by the name it has in a file of llama.cpp.
  private let entries: [String: [Float]]

  /// What tells this matrix from another.
  public var identity: String { "\(path) \(hash)" }

  /// Reads a file of llama-imatrix.
  /// - Parameter name: what an output says that it was quantised by; the path where none is given.
  /// - Throws: `Problem` of kind `missing`, `io`, or `invalid` where it is none.
  /// - Cost: memory for all importances, one for each column of a weight.
  public init(_ path: String, named name: String? = nil) throws {
    let file = try ImportanceFile(FilePath(path))
    self.path = name ?? path
    hash = try TensorHash.stored(ByteRegion(MappedFile(FilePath(path))))
    (dataset, chunks) = (file.dataset, file.chunks)
    entries = file.entries.mapValues(\.means)
  }

  /// What the metadata of a file say that was quantised by the matrix.
  func metadata() throws -> GGUFHeader.Metadata {
    // llama-quantize keeps 127 bytes of a text.
    let texts = [("file", path), ("dataset", dataset)].compactMap { key, text in
      text.map { (key, GGUFValue(String(decoding: $0.utf8.prefix(127), as: UTF8.self))) }
    }
    let numbers =
      [("entries_count", entries.count)] + (chunks > 0 ? [("chunks_count", chunks)] : [])
    return
      (texts + (try numbers.map { ($0.0, try GGUFValue(JSONValue($0.1), as: "u32")) }))
      .map { (key: "quantize.imatrix.\($0.0)", value: $0.1) }
  }

  /// A move with the importances of its weight, where its type has use for them.
  func applied(to move: TensorMove) -> TensorMove {
    guard StoredValues.weighs(move.type), let values = entries[move.target.name] else {
      return move
    }
    var move = move
    move.importances = Importances(values, shape: move.target.shape)
    return move
  }

  /// Refuses a matrix of another model.
  /// - Parameters:
  ///   - tensors: those of the layers of the model, of which each layer needs importances.
  ///   - others: those that may have some.
  ///   - isCut: whether the model has fewer layers than it had when it was measured.
  /// - Throws: `Problem` of kind `invalid` with all that differs.
  func check(_ tensors: [BoundTensor], _ others: [BoundTensor], isCut: Bool) throws {
    let shapes = Dictionary((tensors + others).map { ($0.name, $0.shape) }) { first, _ in first }
    let layers = Set(shapes.keys.map(BlockTensor.layer))
    let names = entries.keys.sorted().filter { !isCut || layers.contains(BlockTensor.layer($0)) }
    var problems: [Problem] = []
    func add(_ tensor: String, _ expected: String, _ found: String) {
      problems.append(
        Problem(
          .invalid, "this is the importance matrix of another model", file: path, tensor: tensor,
          expected: expected, found: found,
          remedy: "make the matrix of this model with llama-imatrix, or leave out --imatrix"))
    }
    let strange = names.filter { shapes[$0] == nil }
    if !strange.isEmpty {
      add(NameFolding.summary(strange), "weights of the model", "no tensor of this name")
    }
    for name in names {
      // What reads tokens has no inputs to be measured; llama-quantize ignores what is said of it.
      guard let shape = shapes[name], name != "token_embd.weight" else { continue }
      let expected = (shape.last ?? 0) * shape.dropLast(2).reduce(1, *)
      let found = entries[name]?.count ?? 0
      if found != expected { add(name, "\(expected) importances", "\(found)") }
    }
    let measured = Set(entries.keys.map(BlockTensor.layer))
    let missing = Set(tensors.map { BlockTensor.layer($0.name) }).subtracting(measured).sorted()
      .filter { $0 >= 0 }
    if !missing.isEmpty {
      add(
        NameFolding.summary(missing.map { "blk.\($0)" }), "importances of every layer", "none")
    }
    try Problem.throwIfAny(problems)
  }
}

extension ConversionOptions {
  /// A move with the importances of its weight, where there are any.
  func weighed(_ move: TensorMove) -> TensorMove { importances?.applied(to: move) ?? move }

  /// Refuses importances where the kind has no use for them, and those of another model.
  /// - Throws: `Problem` of kind `usage` or `invalid`.
  func checkImportances(_ tensors: [BoundTensor], _ others: [BoundTensor]) throws {
    guard let importances else { return }
    guard let quantisation, quantisation.weighs else {
      throw Problem(
        .usage, "this kind of quantised weights has no use for importances",
        expected: QuantisationKind.allCases.filter(\.weighs).map(\.rawValue)
          .joined(separator: ", "),
        found: quantisation?.rawValue, remedy: "leave out --imatrix, or choose another kind")
    }
    try importances.check(tensors, others, isCut: dropsMTP)
  }
}
