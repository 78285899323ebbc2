import Containers
import Diagnostics
import Opening
import Packing
import Synchronization
import SystemPackage
import Tensors
import Threads

/// One weight file being written, several tensors at a time.
final class ShardFile: Sendable {
  let shard: CheckpointPlan.Shard
  private let plan: CheckpointPlan
  private let output: OutputDirectory
  private let isHashed: Bool
  private let state: Mutex<State>

  private struct State {
    var writer: WeightFileWriter?
    var tensors: [WrittenTensor?]
    /// How many tensors are not written yet; a counter, because it is asked for after each tensor.
    var missing: Int
    var sources: [String: String] = [:]
    var written: WrittenShard?
    var method: FileCloning.Method?
  }

  init(
    _ shard: CheckpointPlan.Shard, of plan: CheckpointPlan, in output: OutputDirectory,
    isHashed: Bool
  ) {
    self.shard = shard
    self.plan = plan
    self.output = output
    self.isHashed = isHashed
    let count = shard.tensors.count
    state = Mutex(State(tensors: Array(repeating: nil, count: count), missing: count))
  }

  /// What is known of the file once it is finished; nil for one that was cloned.
  var written: WrittenShard? { state.withLock { $0.written } }
  /// How it was cloned.
  var method: FileCloning.Method? { state.withLock { $0.method } }

  /// What can be done at the same time: a tensor each, or everything at once, -1.
  var tasks: [Int] {
    shard.clone != nil || shard.tensors.isEmpty ? [-1] : Array(shard.tensors.indices)
  }

  /// Does one of the tasks.
  /// - Returns: what is known of the file when that was the last one.
  func write(_ task: Int, _ progress: @Sendable (Int) -> Void) throws -> WrittenShard? {
    if let source = shard.clone {
      try clone(source, progress)
      return nil
    }
    let writer = try writer()
    if task >= 0 {
      try locating(.tensor(shard.tensors[task].name)) {
        try write(task, with: writer, progress)
      }
    }
    return try finish(writer)
  }

  /// Begins a task that is to copy bytes as they are; nil for any other.
  func copy(
    _ task: Int, _ progress: @escaping @Sendable (Int) -> Void,
    onFile: @escaping (WrittenShard) throws -> Void
  ) throws -> CopiedTensor? {
    guard isHashed, shard.clone == nil, task >= 0,
      let region = shard.tensors[task].content.region
    else { return nil }
    let writer = try writer()
    return CopiedTensor(
      shard.tensors[task], TensorCopy(region, to: task, of: writer), progress
    ) { [self] hashes in
      record(task, hashes.finish(changed: 0), changed: 0)
      if let written = try finish(writer) { try onFile(written) }
    }
  }

  private func clone(_ source: FilePath, _ progress: @Sendable (Int) -> Void) throws {
    try checkSources(onlyRead: false)
    let method = try FileCloning.clone(from: source, to: output.file(shard.fileName, isLink: true))
    state.withLock { $0.method = method }
    progress(shard.byteCount)
  }

  /// The writer, which the first task opens.
  private func writer() throws -> WeightFileWriter {
    try state.withLock { state in
      if let writer = state.writer { return writer }
      let writer = try WeightFileWriter(
        creating: output.file(shard.fileName), shard.filePlan(in: plan.container))
      state.writer = writer
      return writer
    }
  }

  private func checkSources(onlyRead: Bool) throws {
    for tensor in shard.tensors {
      try locating(.tensor(tensor.name)) {
        for region in tensor.content.regions { try region.storage.check(onlyRead: onlyRead) }
      }
    }
  }

  private func write(
    _ index: Int, with writer: WeightFileWriter, _ progress: @Sendable (Int) -> Void
  ) throws {
    let tensor = shard.tensors[index]
    let hashes = isHashed ? MoveHashes(tensor) : nil
    let result = try writer.write(index) { bytes in
      hashes?.add(bytes)
      progress(bytes.count)
    } _: { sink in
      try tensor.content.write(to: &sink, onSource: hashes?.addSource)
    }
    let counted = tensor.rule == .new ? 0 : result.changed
    record(
      index, hashes?.finish(changed: counted, result.rounding), changed: counted, result.rounding)
  }

  /// Keeps what is known of a tensor that was written.
  private func record(
    _ index: Int, _ known: (tensor: WrittenTensor, source: (name: String, hash: String)?)?,
    changed: Int, _ rounding: RoundingError? = nil
  ) {
    state.withLock { state in
      state.tensors[index] =
        known?.tensor
        ?? WrittenTensor(
          name: shard.tensors[index].name, hash: "", roles: [:], changed: changed,
          rounding: rounding)
      state.missing -= 1
      if let source = known?.source { state.sources[source.name] = source.hash }
    }
  }

  /// Closes the file where no tensor is missing.
  private func finish(_ writer: WeightFileWriter) throws -> WrittenShard? {
    let isLast = state.withLock { state in
      guard state.missing == 0, state.writer != nil else { return false }
      state.writer = nil
      return true
    }
    guard isLast else { return nil }
    // What is finished for good must come from sound bytes; a run that cannot be resumed asks at its end.
    if isHashed { try checkSources(onlyRead: true) }
    try writer.finish()
    return state.withLock { state in
      let written = WrittenShard(
        fileName: shard.fileName, size: writer.size, tensors: state.tensors.compactMap { $0 },
        sources: state.sources)
      state.written = written
      return written
    }
  }
}

extension CheckpointPlan.Tensor.Content {
  /// Where the bytes come from.
  fileprivate var regions: [ByteRegion] {
    switch self {
    case .stored(let tensor): [tensor.region]
    case .part(let part, _): [part.region]
    case .move(let move): move.parts.map(\.source.region)
    case .encoded(let encoded): encoded.move.parts.map(\.source.region)
    }
  }

  /// The bytes, where they are written as they lie in one place.
  fileprivate var region: ByteRegion? {
    switch self {
    case .stored(let tensor): tensor.region
    case .part(let part, _): part.region
    case .move(let move): move.wholeSource
    case .encoded: nil
    }
  }

  /// - Returns: how many values changed in a cast, and how far they are from those that were quantised.
  fileprivate func write(
    to sink: inout ByteSink, onSource: ((UnsafeRawBufferPointer) -> Void)?
  ) throws -> (changed: Int, rounding: RoundingError?) {
    switch self {
    case .stored(let tensor):
      try sink.write(tensor.region)
      return (0, nil)
    case .part(let part, _):
      try sink.write(part.region)
      return (0, nil)
    case .move(let move):
      let rounding = try move.write(to: &sink, onSource: onSource)
      return (rounding.changed, rounding.sums)
    case .encoded(let encoded):
      let rounding = try encoded.write(to: &sink, onSource: onSource)
      return (0, encoded.holdsCodes ? rounding : nil)
    }
  }
}

extension CheckpointPlan.Shard {
  /// Where everything of the file will lie.
  func filePlan(in container: Container) throws -> WeightFilePlan {
    try locating(.file(fileName)) {
      try container.plan(of: headers, metadata: metadata, values: values)
    }
  }

  /// What the file says of its tensors.
  var headers: [TensorHeader] {
    tensors.map { TensorHeader(name: $0.name, type: $0.type, shape: $0.shape) }
  }
}

/// Compares a weight file with what is known of it.
struct ShardCheck {
  private let shard: CheckpointPlan.Shard
  private let container: Container
  private let path: FilePath
  private let pool: ThreadPool

  init(
    _ shard: CheckpointPlan.Shard, of plan: CheckpointPlan, in output: OutputDirectory,
    _ pool: ThreadPool
  ) {
    self.shard = shard
    container = plan.container
    path = output.path.appending(shard.fileName)
    self.pool = pool
  }

  /// Whether all bytes are as they were written.
  /// - Cost: reads the file once, twice where it keeps checksums.
  func holds(_ known: WrittenShard) throws -> Bool {
    guard let file = try? MappedFile(path), file.count == known.size,
      known.tensors.map(\.name) == shard.tensors.map(\.name)
    else { return false }
    let plan = try shard.filePlan(in: container)
    guard plan.surrounds(file) else { return false }
    let regions = known.tensors.indices.map { plan.region($0, in: file) }
    return try TensorHash.stored(regions, pool) == known.tensors.map(\.hash)
  }
}
