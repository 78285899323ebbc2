import Kernels

/// The product of a linear layer with several tokens in the processor's tiles, in F32: both factors are split into parts
/// as `PartShape` says.
///
/// A task has some weight rows and some tokens. Of a block of columns its weights are split once, then every
/// panel is multiplied with every band, from the second cache. A sum has the same order whatever the task.
struct TiledProduct {
  private let projection: Projection
  private let operand: Operand
  private let parts: any PartKernels.Type
  private let unit: any TileUnit.Type

  /// The weight rows of one task.
  private static let taskRows = 256
  /// The most and the fewest tokens of one task, which reads its weights for all of them.
  private static let mostTokens = 512
  private static let fewestTokens = 64
  /// The tasks for each thread that are worth reading weights more than once.
  private static let tasksPerThread = 3
  /// The columns that are split at a time.
  private static let depthBlock = Projection.depthBlock
  private static let floatBytes = 4
  /// The values of one part of a band in a block of columns.
  private static let blockValues = depthBlock / PartShape.step * PartShape.pairBytes / floatBytes
  /// All parts of a panel in one step.
  private static let stepBytes = PartShape.parts * PartShape.pairBytes
  /// The sums of one band and panel.
  private static let sumCount = PartShape.band * PartShape.panel

  /// A product whose input is packed with `pack`.
  init(
    _ projection: Projection, _ operand: Operand, _ parts: any PartKernels.Type,
    _ unit: any TileUnit.Type
  ) {
    (self.projection, self.operand, self.parts, self.unit) = (projection, operand, parts, unit)
  }

  /// The number of panels for some tokens.
  static func panels(_ tokens: Int) -> Int { ceiling(tokens, PartShape.panel) }

  /// The values that the panels of an operand need.
  static func panelCount(tokens: Int, depth: Int) -> Int {
    panels(tokens) * panelBytes(depth) / floatBytes
  }

  /// The number of tasks.
  static func chunks(rows: Int, _ operand: Operand) -> Int {
    ceiling(rows, taskRows) * ceiling(operand.tokens, taskTokens(rows: rows, operand))
  }

  /// The tokens of one task: as many as there may be while every thread gets its tasks.
  private static func taskTokens(rows: Int, _ operand: Operand) -> Int {
    let wanted = ceiling(tasksPerThread * (operand.threads - 1), ceiling(rows, taskRows))
    let groups = max(1, min(wanted, ceiling(operand.tokens, fewestTokens)))
    return min(mostTokens, panels(ceiling(operand.tokens, groups)) * PartShape.panel)
  }

  /// The values that one task needs for itself.
  static func scratchCount(tokens: Int) -> Int {
    var arena = Arena.counting
    _ = Scratch(tokens: tokens, &arena)
    return arena.used
  }

  private static func ceiling(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }

  private static func panelBytes(_ depth: Int) -> Int { PartShape.steps(depth) * stepBytes }

  /// Splits one panel of an operand.
  static func pack(panel: Int, _ operand: Operand, _ parts: any PartKernels.Type) {
    let (first, depth) = (panel * PartShape.panel, operand.depth)
    let target = UnsafeMutableRawPointer(operand.panels) + panel * panelBytes(depth)
    withUnsafeTemporaryAllocation(
      byteCount: PartShape.parts * PartShape.tileBytes, alignment: PartShape.rowBytes
    ) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      parts.splitTokens(
        FloatRows(operand.rows + first * depth, stride: depth),
        count: min(PartShape.panel, operand.tokens - first), depth: depth, panel: target,
        scratch: scratch)
    }
  }

  private struct Scratch {
    let widened: UnsafeMutablePointer<Float>  // [band, widenedStride]
    let weights: UnsafeMutablePointer<Float>  // [taskRows / band, parts, steps, pair]
    let sums: UnsafeMutablePointer<Float>  // [panels, taskRows / band, band, panel]

    init(tokens: Int, _ arena: inout Arena) {
      let bands = TiledProduct.taskRows / PartShape.band
      widened = arena.take(PartShape.band * Projection.widenedStride)
      weights = arena.take(bands * PartShape.parts * TiledProduct.blockValues)
      let panels = TiledProduct.panels(min(tokens, TiledProduct.mostTokens))
      sums = arena.take(panels * bands * TiledProduct.sumCount)
    }
  }

  /// What one task computes.
  private struct Task {
    let rows: Range<Int>
    let tokens: Range<Int>
    var bands: Int { TiledProduct.ceiling(rows.count, PartShape.band) }
    var panels: Int { TiledProduct.panels(tokens.count) }

    func rows(ofBand band: Int) -> Range<Int> {
      let first = rows.lowerBound + band * PartShape.band
      return first..<min(rows.upperBound, first + PartShape.band)
    }
  }

  private func task(_ chunk: Int) -> Task {
    let rows = projection.weight.rows
    let tokens = Self.taskTokens(rows: rows, operand)
    let groups = Self.ceiling(operand.tokens, tokens)
    let (row, token) = (chunk / groups * Self.taskRows, chunk % groups * tokens)
    return Task(
      rows: row..<min(rows, row + Self.taskRows),
      tokens: token..<min(operand.tokens, token + tokens))
  }

  /// Computes the outputs of one task.
  /// - Shape: `target` `[tokens, rows]` with row stride `stride`.
  func run(
    chunk: Int, to target: UnsafeMutablePointer<Float>, stride: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let task = task(chunk)
    var arena = Arena(scratch)
    let scratch = Scratch(tokens: operand.tokens, &arena)
    scratch.sums.update(repeating: 0, count: task.panels * task.bands * Self.sumCount)
    unit.begin()
    // Weights that are a part themselves take the place of three.
    let block = projection.weight.isBF16 ? PartShape.parts * Self.depthBlock : Self.depthBlock
    for k in Swift.stride(from: 0, to: operand.depth, by: block) {
      let columns = k..<min(operand.depth, k + block)
      multiply(task, columns, parts: split(task, columns, scratch), scratch)
    }
    unit.end()
    write(task, scratch, to: target, stride: stride)
  }

  /// Splits a block of columns of the weights.
  /// - Returns: the number of parts.
  private func split(_ task: Task, _ columns: Range<Int>, _ scratch: Scratch) -> Int {
    var most = 1
    for band in 0..<task.bands {
      let rows = task.rows(ofBand: band)
      let target = UnsafeMutableRawPointer(
        scratch.weights + band * PartShape.parts * Self.blockValues)
      if projection.weight.copyBand(rows: rows, columns: columns, to: target) { continue }
      projection.weight.widen(
        rows: rows, columns: columns, to: scratch.widened, stride: Projection.widenedStride)
      let parts = parts.splitWeights(
        FloatRows(scratch.widened, stride: Projection.widenedStride), count: rows.count,
        depth: columns.count, band: target)
      most = max(most, parts)
    }
    return most
  }

  /// Adds the products of a block of columns.
  private func multiply(_ task: Task, _ columns: Range<Int>, parts: Int, _ scratch: Scratch) {
    let steps = PartShape.steps(columns.count)
    for panel in 0..<task.panels {
      let place = task.tokens.lowerBound / PartShape.panel + panel
      let tokens =
        UnsafeRawPointer(operand.panels) + place * Self.panelBytes(operand.depth)
        + Self.panelBytes(columns.lowerBound)
      let left = task.tokens.count - panel * PartShape.panel
      let tiles = left > PartShape.panel / 2 ? 2 : 1
      for band in 0..<task.bands {
        let sums = scratch.sums + (panel * task.bands + band) * Self.sumCount
        let weights = UnsafeRawPointer(
          scratch.weights + band * PartShape.parts * Self.blockValues)
        unit.load(sums, columns: tiles)
        for step in 0..<steps {
          for part in 0..<parts {
            unit.multiply(
              weights + (part * steps + step) * PartShape.pairBytes, tokens + step * Self.stepBytes,
              parts: PartShape.parts - part, columns: tiles)
          }
        }
        unit.store(sums, columns: tiles)
      }
    }
  }

  private func write(
    _ task: Task, _ scratch: Scratch, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let first = task.rows.lowerBound
    for panel in 0..<task.panels {
      let token = task.tokens.lowerBound + panel * PartShape.panel
      parts.write(
        sums: scratch.sums + panel * task.bands * Self.sumCount, rows: task.rows.count,
        tokens: min(PartShape.panel, task.tokens.upperBound - token),
        bias: projection.bias.map { UnsafePointer($0.pointer + first) },
        target: MutableFloatRows(target + token * stride + first, stride: stride))
    }
  }
}
