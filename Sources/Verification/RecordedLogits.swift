import Containers
import Diagnostics
import Runtime
import SystemPackage
import Tensors

/// Logits and hidden states of a model, gathered to be written as a reference file; final hidden states
/// where it has no language head.
public struct RecordedLogits {
  private let shape: [Int]
  private let tokens: TokenBatch
  private var logits: [[Float]] = []
  private var hidden: [[Float]]
  private let output: ModelOutput
  private let widths: (output: Int, hidden: Int, streams: Int)

  /// Runs prompts of one length and keeps what the model computes.
  /// - Parameters:
  ///   - hidden: whether to keep the residual streams too.
  ///   - threads: 0 for all cores.
  ///   - progress: called with the positions that were run.
  /// - Throws: `Problem` of kind `invalid` where prompts differ in length.
  /// - Cost: memory for all that is kept, `4 · positions · (vocab + (L + 1) · H)` bytes with hidden.
  public init(
    _ model: Model, _ tokens: TokenBatch, hidden keepsHidden: Bool, threads: Int,
    progress: (Int) -> Void = { _ in }
  ) throws {
    guard let length = tokens.rows.first?.count, tokens.rows.allSatisfy({ $0.count == length })
    else {
      throw Problem(
        .invalid, "prompts of one file must have one length",
        found: Set(tokens.rows.map(\.count)).sorted().map(String.init).joined(separator: ", "),
        remedy: "cut the prompts to one length, or write one file for each length")
    }
    self.tokens = tokens
    shape = [tokens.rows.count, length]
    let configuration = model.configuration
    output = ModelOutput(of: configuration)
    widths = (configuration.outputWidth, configuration.hidden, configuration.streamWidth)
    hidden = Array(repeating: [], count: keepsHidden ? configuration.layers.count + 1 : 0)
    logits = Array(repeating: [], count: tokens.rows.count)
    let streams = hidden.count.multipliedReportingOverflow(by: configuration.streamWidth)
      .partialValue
    try MachineMemory.check(
      TensorShape.elementCount([tokens.positions, widths.output + streams, 4]),
      for: "the logits of all positions", remedy: "record fewer tokens at a time")
    try run(PromptBatch(model, tokens.rows, Workspace(model, threads: threads)), progress)
  }

  private mutating func run(_ prompts: PromptBatch, _ progress: (Int) -> Void) throws {
    var streams = hidden
    hidden = []
    let H = widths.hidden
    let observer = ForwardObserver(
      hidden: streams.isEmpty
        ? nil
        : { index, rows in
          // The output of the embedding is the same in every stream, and kept once.
          guard index == 0 else { return streams[index].append(contentsOf: rows.values) }
          for position in rows.positions { streams[0].append(contentsOf: rows[position].prefix(H)) }
        })
    for segment in prompts.segments {
      for (part, rows) in zip(segment, try prompts.run(segment, observer: observer)) {
        logits[part.prompt].append(contentsOf: rows.values)
        progress(rows.positions.count)
      }
    }
    hidden = streams
  }

  /// The test by which a reference file is recognised.
  private static let mark = FileMark("reference") { file in
    let names = (try? SafetensorsFile(file, name: file.path.string))?.tensors.map(\.name) ?? []
    return ReferenceFile.isReference(names)
  }

  /// Checks that a reference file can be written to a path.
  /// - Throws: `Problem` of kind `exists`.
  public static func check(_ destination: FilePath, overwrite: Bool) throws {
    _ = try OutputFile(at: destination, replacing: overwrite ? mark : nil)
  }

  /// Writes the reference file.
  /// - Parameter overwrite: whether a reference file that is there is replaced.
  /// - Throws: `Problem` of kind `exists` or `io`.
  public func write(to destination: FilePath, overwrite: Bool) throws {
    let file = try OutputFile(at: destination, replacing: overwrite ? Self.mark : nil)
    defer { file.abort() }
    let ids = tokens.rows.joined().map(Int64.init)
    var tensors = [
      TensorToWrite(name: "input_ids", type: .i64, shape: shape) { sink in
        try ids.withUnsafeBytes { try sink.write($0) }
      },
      TensorToWrite(name: output.rawValue, type: .f32, shape: shape + [widths.output]) { sink in
        for row in logits { try row.withUnsafeBytes { try sink.write($0) } }
      },
    ]
    for (index, stream) in hidden.enumerated() {
      tensors.append(
        TensorToWrite(
          name: "hidden.\(index)", type: .f32,
          shape: shape + [index == 0 ? widths.hidden : widths.streams]
        ) { sink in
          try stream.withUnsafeBytes { try sink.write($0) }
        })
    }
    try SafetensorsWriter.write(tensors, metadata: [], to: file.file)
    try file.commit()
  }
}
