import Canonical
import Diagnostics
import Kernels
import Runtime
import Tensors
import Threads

/// Work of the kernels alone.
enum KernelTasks {
  /// The product of a small tile that stays in the first cache, 1e10 operations.
  static func peak() throws {
    let (rows, depth) = (48, 128)
    let panel = kernels.matrixMultiply.panelWidth
    let weights = try FloatBuffer(rows * depth)
    let operand = try FloatBuffer(panel * depth)
    let sums = try FloatBuffer(rows * panel)
    for _ in 0..<10_000_000_000 / (2 * rows * depth * panel) {
      kernels.matrixMultiply.accumulate(
        FloatRows(weights.pointer, stride: depth), rows: rows, panel: operand.pointer,
        depth: depth, sums: sums.pointer)
    }
  }

  /// Reads memory with plain additions.
  static func read(mebibytes: Int, threads: Int) throws -> () -> Void {
    let count = mebibytes << 18
    let values = try FloatBuffer(count)
    values.pointer.update(repeating: 1, count: count)
    let pool = ThreadPool(threads: threads)
    let results = try FloatBuffer(mebibytes * 2)
    return {
      pool.run(mebibytes) { block, _ in
        let start = UnsafeRawPointer(values.pointer + block << 18)
        var sums = (SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>())
        for offset in stride(from: 0, to: 1 << 18, by: 64) {  // four streams, as products have
          sums.0 &+= start.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
          sums.1 &+= start.loadUnaligned(fromByteOffset: offset + 1 << 18, as: SIMD8<UInt64>.self)
          sums.2 &+= start.loadUnaligned(fromByteOffset: offset + 2 << 18, as: SIMD8<UInt64>.self)
          sums.3 &+= start.loadUnaligned(fromByteOffset: offset + 3 << 18, as: SIMD8<UInt64>.self)
        }
        let sum = (sums.0 &+ sums.1 &+ sums.2 &+ sums.3).wrappedSum()
        UnsafeMutableRawPointer(results.pointer + 2 * block).storeBytes(of: sum, as: UInt64.self)
      }
    }
  }

  /// `[m, k] · [n, k]ᵀ` with weights of a stored type.
  static func product(_ type: String, m: Int, k: Int, n: Int, threads: Int) throws -> () -> Void {
    guard let type = ScalarType(rawValue: type.uppercased()), [.f32, .bf16, .f16].contains(type)
    else { throw Problem(.usage, "there is no such type", found: type) }
    let bytes = OwnedBytes(count: n * k * type.bitWidth / 8)
    for index in bytes.mutableBytes.indices {  // finite values of the size of weights, in any type
      bytes.mutableBytes[index] = index & 1 == 1 ? 0x3c : UInt8(index & 127)
    }
    let tensor = CanonicalTensor(
      shape: [n, k], type: type, region: ByteRegion(bytes),
      view: StridedView(contiguous: [n, k]), steps: [], origin: "bench")
    let projection = Projection(
      weight: try WeightMatrix(tensor, rows: n, columns: k), bias: nil)
    let x = try FloatBuffer((0..<m * k).map { Float($0 % 17) - 8 })
    let panels = try FloatBuffer(Operand.panelCount(tokens: m, depth: k))
    let y = try FloatBuffer(m * n)
    let pool = ThreadPool(threads: threads)
    let scratch = try (0..<pool.threads).map { _ in
      try FloatBuffer(Projection.scratchCount(tokens: m))
    }
    return {
      let operand = Operand(
        rows: x.pointer, panels: panels.pointer, tokens: m, depth: k, threads: threads)
      pool.run(Operand.panels(m)) { panel, _ in operand.pack(panel: panel) }
      pool.run(projection.chunks(operand)) { chunk, worker in
        projection.run(
          chunk: chunk, operand, to: y.pointer, stride: n, scratch: scratch[worker].pointer)
      }
    }
  }

  /// An activation over as many values.
  static func map(_ name: String, count: Int) throws -> () -> Void {
    guard let kind = Activation(rawValue: name) else {
      throw Problem(.usage, "there is no such activation", found: name)
    }
    let source = try FloatBuffer((0..<count).map { Float($0 % 997) * 0.01 - 5 })
    let target = try FloatBuffer(count)
    let activation = ActivationFunction(kind)
    return {
      target.pointer.update(from: source.pointer, count: count)
      activation.apply(target.pointer, count: count)
    }
  }
}
