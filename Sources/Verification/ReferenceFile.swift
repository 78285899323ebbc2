import Containers
import Diagnostics
import SystemPackage
import Tensors

/// Logits, and perhaps hidden states, that another implementation computed.
///
/// A safetensors file with `input_ids` I64 `[B, T]`, `logits` F32 `[B, T, vocab]` and optionally
/// `hidden.0` (embedding output) … `hidden.L` (output of the last layer), F32 `[B, T, H]`; of a model with
/// several residual streams, the latter hold all of them, `[B, T, S·H]`. It may hold
/// more of them under names: `long.input_ids`, `long.logits`; without ids of its own, such as
/// `decode.logits`, a name has the same prompts. Of a model without a language head it holds
/// `last_hidden_state` (output of the final norm) F32 `[B, T, H]` in place of logits, or hidden states
/// alone.
public struct ReferenceFile: Sendable {
  /// The prompts.
  public let tokens: TokenBatch
  /// The number of `hidden` tensors, counted from `hidden.0` without a gap.
  public let hiddenCount: Int
  /// What else the file holds, by name.
  public let named: [(name: String, reference: ReferenceFile)]
  /// The number of positions of all prompts, those of named references too.
  public var positions: Int {
    named.reduce(tokens.positions) { $0 + $1.reference.positions }
  }
  private let outputs: [ModelOutput: StoredTensor]
  private let hidden: [StoredTensor]

  /// Opens a reference.
  /// - Throws: `Problem` of kind `missing` or `invalid`, naming file and tensor.
  public init(_ path: FilePath) throws {
    let file = try Self.opened(path)
    let tensors = Dictionary(
      file.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self = try locating(
      .file(path.string), advising: "record the reference anew, as graft logits writes one"
    ) {
      guard Self.isReference(Array(tensors.keys)) else {
        throw Problem(
          .invalid, "not a reference file", expected: "tensors input_ids and logits",
          found: file.tensors.prefix(8).map(\.name).joined(separator: ", "))
      }
      let named = try Self.prefixes(tensors.keys).map { prefix in
        (String(prefix.dropLast()), try ReferenceFile(tensors, prefix: prefix, named: []))
      }
      return try ReferenceFile(tensors, prefix: "", named: named)
    }
  }

  /// Whether names of tensors are those of a reference.
  static func isReference(_ names: [String]) -> Bool {
    let outputs = [ModelOutput.logits.rawValue, ModelOutput.finalStates.rawValue, "hidden.0"]
    return names.contains("input_ids") && outputs.contains(where: names.contains)
  }

  /// What stands before the names of further prompts, each with its point.
  private static func prefixes(_ names: some Sequence<String>) -> [String] {
    let endings = [ModelOutput.logits, .finalStates].map { ".\($0.rawValue)" }
    return Set(
      names.compactMap { name in
        endings.first(where: name.hasSuffix).map { String(name.dropLast($0.count - 1)) }
      }
    ).sorted()
  }

  /// Opens the file of a reference.
  /// - Throws: `Problem` of kind `invalid` for a directory, or a file of another kind.
  private static func opened(_ path: FilePath) throws -> SafetensorsFile {
    guard FileKind(path) != .directory else {
      throw Problem(
        .invalid, "the reference is a directory", file: path.string,
        expected: "a safetensors file with input_ids and logits",
        remedy: "give a checkpoint as the second PATH, without --reference")
    }
    let file = try MappedFile(path)
    let others: [FileNature] = [.gguf, .torch, .npz, .json, .text]
    if let nature = FileNature(file.bytes), others.contains(nature) {
      var problem = nature.problem(file.bytes, instead: .safetensors).located(.file(path.string))
      problem.remedy = "give a file as graft logits writes one, or a checkpoint as the second PATH"
      throw problem
    }
    return try SafetensorsFile(file, name: path.string)
  }

  private init(
    _ tensors: [String: StoredTensor], prefix: String,
    named: [(name: String, reference: ReferenceFile)]
  ) throws {
    guard let ids = tensors[prefix + "input_ids"] ?? tensors["input_ids"] else {
      throw Problem(.invalid, "a reference without prompts", tensor: prefix + "logits")
    }
    self.named = named
    outputs = [ModelOutput.logits, .finalStates].reduce(into: [:]) {
      $0[$1] = tensors[prefix + $1.rawValue]
    }
    hidden = (0...).lazy.map { tensors["\(prefix)hidden.\($0)"] }.prefix { $0 != nil }
      .compactMap(\.self)
    hiddenCount = hidden.count
    tokens = TokenBatch(rows: try TokenFile.rows(ids))
    for tensor in Array(outputs.values) + hidden { try Self.check(tensor, ids: ids) }
    for tensor in hidden.dropFirst() { try Self.check(tensor, asWideAs: hidden[1]) }
    guard let first = hidden.first?.shape.last, let width = hiddenWidth, first > 0,
      width % first == 0
    else {
      if hidden.count > 1 { try Self.check(hidden[0], asWideAs: hidden[1]) }
      return
    }
  }

  private static func check(_ tensor: StoredTensor, ids: StoredTensor) throws {
    guard tensor.type == .f32, tensor.shape.count == ids.shape.count + 1,
      Array(tensor.shape.dropLast()) == ids.shape
    else {
      throw Problem(
        .invalid, "a tensor of the reference has the wrong type or shape", tensor: tensor.name,
        expected: "F32 with one axis more than input_ids \(TensorShape.text(ids.shape))",
        found: "\(tensor.type.rawValue) \(TensorShape.text(tensor.shape))")
    }
  }

  private static func check(_ tensor: StoredTensor, asWideAs first: StoredTensor) throws {
    guard tensor.shape != first.shape else { return }
    throw Problem(
      .invalid, "the hidden states of the reference differ in width", tensor: tensor.name,
      expected: TensorShape.text(first.shape), found: TensorShape.text(tensor.shape))
  }

  /// The width of an output; nil where the file does not hold it.
  public func width(of output: ModelOutput) -> Int? { outputs[output]?.shape.last }

  /// The width of the hidden states; nil where there are none.
  public var hiddenWidth: Int? { hidden.last?.shape.last }

  /// The width of the output of the embedding, which may stand for that of each stream; nil where it is not held.
  var embeddingWidth: Int? { hidden.first?.shape.last }

  /// An output at some positions of a row; nothing where the file does not hold it.
  /// - Shape: `[positions, vocab]`, or `[positions, H]`.
  public func values(_ output: ModelOutput, row: Int, positions: Range<Int>) throws -> [Float] {
    try outputs[output].map { try values($0, row: row, positions: positions) } ?? []
  }

  /// One residual stream at some positions of a row.
  /// - Shape: `[positions, S·H]`.
  public func hidden(_ index: Int, row: Int, positions: Range<Int>) throws -> [Float] {
    let values = try values(hidden[index], row: row, positions: positions)
    let own = hidden[index].shape.last ?? 0
    guard let width = hiddenWidth, own < width, own > 0 else { return values }
    // The output of the embedding, which every stream begins with.
    return positions.indices.flatMap { place in
      let first = (place - positions.lowerBound) * own
      return Array(
        repeatElement(values[first..<first + own], count: width / own).joined())
    }
  }

  /// Copies the floats, which need not lie aligned in the file.
  private func values(_ tensor: StoredTensor, row: Int, positions: Range<Int>) throws -> [Float] {
    let width = tensor.shape.last ?? 0
    let start = (row * (tokens.rows.first?.count ?? 0) + positions.lowerBound) * width
    let count = positions.count * width
    return try tensor.region.withBytes(in: start * 4..<(start + count) * 4) { bytes in
      (0..<count).map {
        bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
      }
    }
  }
}
