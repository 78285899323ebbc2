import Containers
import Diagnostics
import Opening
import SystemPackage
import Tensors

extension CheckpointPlan {
  /// Writes the output; it appears complete and checked, or not at all.
  ///
  /// Everything is written beside the destination. Before it appears there, the output is opened as
  /// anybody would open it, must be recognised as the layout it was written in, and, where a record is
  /// kept, must hold byte for byte what was moved. A run that is killed leaves the destination as it was.
  /// - Parameters:
  ///   - progress: called by several threads with the bytes that were written, of `byteCount(_:)`.
  ///   - beforeAppearing: given the output before it appears; where this throws, nothing does. Parts
  ///     do not call it.
  /// - Throws: `Problem` of kind `exists` where something else stands at the destination, `io` where
  ///   the output does not hold what was written, `unsupported` where it would not be recognised.
  /// - Cost: one pass over the tensors, and another over those that were not hashed on the way; memory
  ///   for one buffer per thread.
  public func write(
    to destination: FilePath, _ options: WriteOptions,
    progress: @Sendable (Int) -> Void = { _ in },
    beforeAppearing: (OpenedModel) throws -> Void = { _ in }
  ) throws -> CheckpointReport {
    let identity = try options.identity(of: self)
    let output = try OutputDirectory(
      at: destination, overwrite: options.overwrites, inputs: inputs, marks: marks,
      inside: container.folder, use: options.use)
    defer { output.abort() }
    var run = CheckpointRun(self, into: output, identity, options)
    try run.writeWeights(progress)
    if case .part = options.task {
      output.leave()
      return run.report
    }
    try run.writeBeside()
    try run.check(beforeAppearing)
    try output.commit()
    return run.report
  }

  /// Refuses a destination where the output could not appear.
  /// - Throws: `Problem` of kind `exists`.
  public func check(_ destination: FilePath, overwrites: Bool) throws {
    try OutputDirectory.check(
      at: destination, overwrite: overwrites, inputs: inputs, marks: marks)
  }

  /// The size of the tensors that one process writes, or looks at.
  /// - Units: bytes.
  public func byteCount(_ task: WriteOptions.Task) -> Int {
    var share = Share.whole
    if case .part(let part) = task { share = part }
    return shards(of: share).reduce(0) { $0 + $1.byteCount }
  }

  /// The weight files of a share, in order.
  public func shards(of share: Share) -> [Shard] {
    shards.enumerated().filter { share.contains($0.offset) }.map(\.element)
  }

  private var inputs: [FilePath] { [source.checkpoint.directory] }
  private var marks: CheckpointMarks { CheckpointMarks(source: source.checkpoint) }
}

extension CheckpointRun {
  /// Writes the weight files, or takes over what all parts wrote.
  fileprivate mutating func writeWeights(_ progress: @Sendable (Int) -> Void) throws {
    if options.task == .finish { return try collect(progress) }
    try checkParts()
    output.own()
    try writeShards(progress)
  }

  /// What was written must open as what it was meant to be, and hold what was moved, before it appears
  /// under its name; what was read of the source must have its checksums, and no file of it may have
  /// become shorter meanwhile.
  fileprivate func check(_ others: (OpenedModel) throws -> Void) throws {
    let source = plan.source
    try Shortening.check(in: source.checkpoint.directory)
    try source.stored.checkRead()
    let written = try reopened()
    if options.isHashed {
      let record = try ConversionRecord(
        plan, of: written, options.version, known: self.written, pool)
      try OutputFile.write(Array(record.text.utf8), to: output.file(Manifest.fileName))
    }
    try others(written)
    try Shortening.check(in: source.checkpoint.directory)
  }

  /// The output as anybody will open it, who is not told its layout.
  private func reopened() throws -> OpenedModel {
    let catalogue = options.catalogue
    let named = try OpenedModel(output.path, from: plan.layout, catalogue: catalogue)
    let found = Result { try OpenedModel(output.path, catalogue: catalogue) }
    if case .success(let model) = found, model.layout.id == plan.layout { return model }
    throw Problem(
      .unsupported, "the output would not be recognised as what it is",
      file: named.checkpoint.directory.string, expected: plan.layout,
      found: (try? found.get().layout.id) ?? "several layouts that fit it",
      remedy: "write safetensors files, whose metadata tell layouts apart, or choose another layout"
    )
  }
}
