import Containers

/// What the values of one stored tensor say about damage.
struct TensorAudit {
  /// What was found.
  private(set) var findings: [AuditFinding] = []
  private let tensor: StoredTensor
  private let statistics: TensorStatistics
  private let isVector: Bool
  private let fresh: Set<Double>
  private let initial: Set<Double>

  /// Judges a tensor by its statistics.
  /// - Parameters:
  ///   - fresh: the value that all elements have right after a splice; a tensor of that value alone is
  ///     reported as untrained.
  ///   - initial: the value that all elements have before training; a tensor of that value alone is not
  ///     reported.
  ///   - mayEndInZeros: whether whole rows of zeros are legitimate, such as rows that pad a vocabulary;
  ///     they always are in a tensor that is not understood.
  init(
    _ statistics: TensorStatistics, _ tensor: StoredTensor, mayEndInZeros: Bool,
    fresh: Set<Double> = [], initial: Set<Double> = []
  ) {
    self.tensor = tensor
    self.fresh = fresh
    self.initial = initial
    self.statistics = statistics
    isVector =
      tensor.shape.count < 2 || (mayEndInZeros && tensor.shape.filter { $0 > 1 }.count < 2)
    addNumbers()
    if statistics.isConstant, statistics.count > 1 {
      addConstant()
    } else {
      addZeros(rowsAreMeant: mayEndInZeros)
      addLostBlocks(rowsAreMeant: mayEndInZeros)
    }
    addOutlier()
  }

  private mutating func add(_ severity: AuditFinding.Severity, _ kind: String, _ text: String) {
    findings.append(
      AuditFinding(
        severity: severity, kind: kind, tensor: tensor.name, file: tensor.file, text: text))
  }

  private mutating func addNumbers() {
    let count = statistics.count
    if statistics.nans > 0 { add(.error, "nan", "\(statistics.nans) of \(count) are NaN") }
    if statistics.infinities > 0 {
      add(.error, "infinite", "\(statistics.infinities) of \(count) are infinite")
    }
  }

  /// Fresh vectors (norms, biases) may be constant, trained matrices are not.
  private mutating func addConstant() {
    guard !initial.contains(Double(statistics.most)) else { return }
    let isFresh = fresh.contains(Double(statistics.most))
    let severity: AuditFinding.Severity = isVector || isFresh ? .warning : .error
    if statistics.most == 0 {
      add(severity, "zero", "all \(statistics.count) values are zero")
    } else {
      add(severity, "constant", "all \(statistics.count) values are \(statistics.most)")
    }
  }

  /// Runs of zeros that start or end inside a row come from a file that was not completely written; padding
  /// fills whole rows.
  private mutating func addZeros(rowsAreMeant: Bool) {
    let (count, tail) = (statistics.count, statistics.trailingZeros)
    let row = tensor.shape.last ?? 1
    if tail >= Self.shortestTail, !isVector || statistics.zeros * 10 < count - tail {
      let isRows = !isVector && tail % row == 0
      add(
        isRows && rowsAreMeant ? .warning : .error, "zero_tail",
        "the last \(tail) of \(count) values are zero" + (isRows ? ", in whole rows" : ""))
    }
    if !isVector, statistics.longestTornRun >= shortestHole {
      add(
        rowsAreMeant ? .warning : .error, "zero_run",
        "\(statistics.longestTornRun) of \(count) values in a row are zero, across rows")
    }
    if !isVector, statistics.longestRows >= max(shortestHole, 2 * row), !rowsAreMeant {
      add(
        .warning, "zero_run", "\(statistics.longestRows / row) rows of zeros one after the other")
    }
  }

  /// A block of zeros is quantised with equal codes; one whose codes differ is zero only because its scale
  /// was lost.
  private mutating func addLostBlocks(rowsAreMeant: Bool) {
    guard statistics.lostBlocks > 0 else { return }
    add(
      rowsAreMeant ? .warning : .error, "scale",
      "\(statistics.lostBlocks) of \(statistics.blocks) blocks have a scale of zero beside their codes"
    )
  }

  private mutating func addOutlier() {
    guard statistics.prominence > Self.largestProminence else { return }
    let times = Int(min(statistics.prominence, 1e18))
    add(.error, "outlier", "a value of magnitude \(statistics.peak), \(times) times the others")
  }

  /// Trained weights stay far below this; a flipped bit of an exponent goes far beyond.
  private static let largestProminence = 1000.0
  /// Fewer zeros than this at the end are chance.
  private static let shortestTail = 16
  /// Fewer zeros than this elsewhere are chance; small values that are quantised become zero.
  private var shortestHole: Int { tensor.type.isFloat && tensor.packed == nil ? 64 : 1024 }
}
