import Canonical
import Diagnostics
import Layouts
import Opening
import Tensors
import Threads

extension OpenedModel {
  /// The stored tensors in which rows of zeros are a fault: all that are understood, except the embedding
  /// and the head, whose rows may be padding, and M²RNN tensors, whose new heads may start at zero.
  var namesWithoutPadding: Set<String> {
    let padded: Set<String> = ["embedding", "head", "positions"]
    return Set(
      binding.tensors.filter { tensor in
        tensor.parts.allSatisfy {
          RoleTable[$0.role.name]?.isOfSplices == false && !padded.contains($0.role.name)
        }
      }.flatMap(\.pieces))
  }

  /// The value that all elements of an M²RNN tensor have right after a splice, by stored name.
  var freshValues: [String: Set<Double>] {
    let tensors = binding.tensors.filter { tensor in
      tensor.parts.allSatisfy { RoleTable[$0.role.name]?.isOfSplices == true }
    }
    let ones = RoleTable.names(.ones)
    return Dictionary(
      tensors.flatMap { tensor in
        tensor.pieces.map {
          ($0, tensor.parts.contains { ones.contains($0.role.name) } ? [0, 1] : [0])
        }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The value that all elements of a norm have before training, by stored name; for carried norms, of
  /// which less is known, the value they may have.
  var initialNorms: [String: Set<Double>] {
    var values: [String: Set<Double>] = [:]
    for tensor in binding.tensors where tensor.name.contains("norm") {
      guard let part = tensor.parts.first, tensor.shape.count == 1 else { continue }
      let start: Float = configuration.isCentred(part.role) ? 0 : 1
      let stored = part.steps.reduce(start) { $1.apply($0) }
      let isKnown = RoleTable.scope(part.role.name) != nil
      values[tensor.name] = isKnown ? [Double(stored)] : initialValues
    }
    for tensor in carried where tensor.name.contains("norm") && tensor.shape.count == 1 {
      values[tensor.name] = initialValues
    }
    return values
  }

  private var initialValues: Set<Double> { configuration.normIsZeroCentred ? [0, 1] : [1] }

  /// Faults that no tensor shows alone: norms against each other, weights against their scales, tensors
  /// against the config.
  func auditFindings(_ pool: ThreadPool) throws -> [AuditFinding] {
    try repeatedTensorFindings() + claimFindings + metadataFindings + predictionFindings()
      + indexFindings + lostFindings
      + signs().filter(\.isDoubt).map(finding)
      + normFindings() + decayFindings() + scaleFindings(pool) + packedFindings(pool)
  }

  private func finding(_ sign: ValueSign) -> AuditFinding {
    AuditFinding(
      severity: .error, kind: "sign", tensor: nil, file: checkpoint.directory.string,
      text: "\(sign.subject): \(sign.text)")
  }

  private func repeatedTensorFindings() throws -> [AuditFinding] {
    do { try checkPayload() } catch let problem as Problem {
      if let io = problem.each.first(where: { $0.kind == .io }) { throw io }
      return problem.each.map { finding($0, "payload") }
    }
    return []
  }

  private var claimFindings: [AuditFinding] { findings.map { finding($0, "claim") } }

  private func predictionFindings() throws -> [AuditFinding] {
    try missingPrediction().map { name in
      AuditFinding(
        severity: .error, kind: "claim", tensor: name, file: checkpoint.directory.string,
        text: "missing beside the other tensors of multi-token prediction")
    }
  }

  /// Indexers that nothing uses, because a converter lost the size of their blocks.
  private var indexFindings: [AuditFinding] {
    configuration.layersWithoutBlocks.map { layer in
      let name = canonical.tensors[Role("attention.index_q", layer: layer)]?.origin
      return AuditFinding(
        severity: .error, kind: "index", tensor: name, file: checkpoint.weightsPath.string,
        text:
          "an indexer without a size of its blocks: the layer sees all positions, and not those "
          + "that were chosen in training; repair writes the size where a config of the model lies "
          + "beside the file, or it is given with --assume index-block=N")
    }
  }

  private func finding(_ problem: Problem, _ kind: String) -> AuditFinding {
    AuditFinding(
      severity: .error, kind: kind, tensor: problem.tensor,
      file: problem.file ?? checkpoint.directory.string,
      text: problem.what + (problem.found.map { ", found \($0)" } ?? ""))
  }

  /// Dequantised weights of linear layers are far below one; without their scales, or with the inverse
  /// of them, they are far above.
  private func scaleFindings(_ pool: ThreadPool) throws -> [AuditFinding] {
    let scaled = canonical.tensors.values.filter { isQuantised($0) && $0.isComputable }
      .sorted { $0.origin < $1.origin }
    return try pool.map(scaled) { tensor -> AuditFinding? in
      let size = try tensor.rootMeanSquare()
      guard size > Self.largestWeight else { return nil }
      return AuditFinding(
        severity: .error, kind: "scale", tensor: tensor.origin,
        file: checkpoint.tensor(tensor.origin)?.file ?? "",
        text: "with their scales the values are of magnitude \(Float(size))")
    }.compactMap(\.self)
  }

  private func isQuantised(_ tensor: CanonicalTensor) -> Bool {
    tensor.scales != nil || checkpoint.tensor(tensor.origin)?.packed != nil
  }

  private static let largestWeight = 10.0
}

extension CanonicalTensor {
  /// The root of the mean of the squares of all values.
  /// - Cost: one pass; memory for one window.
  fileprivate func rootMeanSquare() throws -> Double {
    let stream = PartStream(reading: self, asStored: false)
    let window = 1 << 14
    let buffer = OwnedBytes(count: window * 4)
    var sum = 0.0
    for start in stride(from: 0, to: count, by: window) {
      let range = start..<min(start + window, count)
      guard let place = buffer.mutableBytes.baseAddress else { break }
      _ = try stream.fill(place, range)
      let values = place.assumingMemoryBound(to: Float.self)
      for index in 0..<range.count { sum += Double(values[index]) * Double(values[index]) }
    }
    return (sum / Double(max(count, 1))).squareRoot()
  }
}
