import Canonical
import Kernels

extension ExpertBlock {
  /// Chooses the experts of one token and their weights; ties go to the lower index.
  func route(_ row: Int, _ buffers: Buffers) {
    let scores = buffers.scores + row * E
    let weights = buffers.weights + row * k
    let chosen = buffers.chosen + row * k
    if configuration.router == .sigmoid {
      return routeBySigmoid(scores, chosen, weights, marks: buffers.marks + row * E)
    }
    if configuration.router == .softmaxThenTopK { kernels.elementwise.softmax(scores, count: E) }
    for choice in 0..<k {
      let expert = Self.largest(
        scores, E, except: UnsafeBufferPointer(start: chosen, count: choice))
      chosen[choice] = Int32(expert)
      weights[choice] = scores[expert]
    }
    if configuration.router == .topKThenSoftmax { kernels.elementwise.softmax(weights, count: k) }
  }

  /// The index of the largest score that is not yet taken; a NaN is larger than any number.
  static func largest(
    _ scores: UnsafePointer<Float>, _ count: Int, except taken: UnsafeBufferPointer<Int32>
  ) -> Int {
    var best = -1
    for index in 0..<count where !taken.contains(Int32(index)) {
      guard best >= 0 else {
        best = index
        continue
      }
      let isLarger =
        scores[index] > scores[best] || (scores[index].isNaN && !scores[best].isNaN)
      if isLarger { best = index }
    }
    return best
  }

  /// Gives every choice a row among the outputs, experts one after the other, tokens in order.
  func sortByExpert(tokens t: Int, _ buffers: Buffers) {
    buffers.starts.update(repeating: 0, count: E + 1)
    for choice in 0..<t * k { buffers.starts[Int(buffers.chosen[choice]) + 1] += 1 }
    for expert in 0..<E { buffers.starts[expert + 1] += buffers.starts[expert] }
    for choice in 0..<t * k {  // afterwards starts[e] is the end of expert e
      let expert = Int(buffers.chosen[choice])
      let slot = buffers.starts[expert]
      buffers.starts[expert] += 1
      buffers.slots[choice] = slot
      buffers.tokens[Int(slot)] = Int32(choice / k)
    }
  }

  struct ExpertBuffers {
    let x: UnsafeMutablePointer<Float>  // [tokens, H]
    let panels: UnsafeMutablePointer<Float>  // [tokens, H] packed
    let gate: UnsafeMutablePointer<Float>  // [tokens, I]
    let up: UnsafeMutablePointer<Float>  // [tokens, I]
    let innerPanels: UnsafeMutablePointer<Float>  // [tokens, I] packed

    init(_ block: ExpertBlock, tokens: Int, _ arena: inout Arena) {
      let (H, I) = (block.H, block.configuration.intermediate)
      x = arena.take(tokens * H)
      panels = arena.take(Operand.panelCount(tokens: tokens, depth: H))
      gate = arena.take(tokens * I)
      up = arena.take(tokens * I)
      innerPanels = arena.take(Operand.panelCount(tokens: tokens, depth: I))
    }
  }

  /// Runs the tokens of one expert, on one worker.
  func run(
    expert: Int, _ x: UnsafePointer<Float>, _ buffers: Buffers,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let first = expert == 0 ? 0 : Int(buffers.starts[expert - 1])
    let tokens = Int(buffers.starts[expert]) - first
    guard tokens > 0 else { return }
    let block = experts[expert]
    var arena = Arena(scratch)
    let own = ExpertBuffers(self, tokens: tokens, &arena)
    let rest = arena.take(0)
    // The tokens of an expert lie anywhere in the segment: they are gathered, so that matrices see
    // rows one after the other.
    for row in 0..<tokens {
      let token = Int(buffers.tokens[first + row])
      (own.x + row * H).update(from: x + token * H, count: H)
    }
    let operand = Operand(rows: own.x, panels: own.panels, tokens: tokens, depth: H)
    operand.packAll()
    block.up.runAll(operand, to: own.up, scratch: rest)
    var inner = own.up
    if let gate = block.gate {
      gate.runAll(operand, to: own.gate, scratch: rest)
      block.activation.apply(own.gate, count: tokens * block.I)
      kernels.elementwise.multiply(own.gate, by: own.up, count: tokens * block.I)
      inner = own.gate
    } else {
      block.activation.apply(own.up, count: tokens * block.I)
    }
    let activated = Operand(
      rows: inner, panels: own.innerPanels, tokens: tokens, depth: block.I)
    activated.packAll()
    block.down.runAll(activated, to: buffers.outputs + first * H, scratch: rest)
  }
}
