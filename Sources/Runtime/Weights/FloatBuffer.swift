import Diagnostics
import Platform
import Tensors

/// F32 values on the heap, zero at first; pages that nobody touches cost nothing.
///
/// All of them together, states, caches and workspaces, are never more than the memory of the machine.
/// They start with a cache line, because a vector that lies in two of them takes twice as long.
package final class FloatBuffer: @unchecked Sendable {
  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int
  private let memory: UnsafeMutableRawPointer

  /// Reserves zeroed memory.
  /// - Throws: `Problem` of kind `io` where the machine has not that much memory.
  package init(_ count: Int) throws {
    let size = max(count, 16)
    guard size < Int.max / 8, MachineMemory.take(size * 4) else { throw Self.shortage(count) }
    guard let memory = calloc(size + 15, 4) else {
      MachineMemory.giveBack(size * 4)
      throw Self.shortage(count)
    }
    self.memory = memory
    pointer = memory.alignedUp(toMultipleOf: 64).bindMemory(to: Float.self, capacity: size)
    self.count = count
  }

  /// Reserves zeroed memory for a product of sizes, which come from a file.
  package convenience init(shape: [Int]) throws {
    try self.init(TensorShape.elementCount(shape) ?? .max)
  }

  private static func shortage(_ count: Int) -> Problem {
    Problem(
      .io, "not enough memory for state, caches and workspace",
      expected: "at most \(MachineMemory.limit) bytes in all",
      found: count < Int.max / 8 ? "\(count * 4) bytes more" : "more than any machine has",
      remedy:
        "give fewer or shorter prompts, a smaller --count or --threads, or use a machine with more")
  }

  /// Copies values into new memory.
  package convenience init(_ values: [Float]) throws {
    try self.init(values.count)
    pointer.update(from: values, count: values.count)
  }

  deinit {
    free(memory)
    MachineMemory.giveBack(max(count, 16) * 4)
  }

  /// A copy of the first values; the rest is zero.
  func copy(first used: Int) throws -> FloatBuffer {
    let copy = try FloatBuffer(count)
    copy.pointer.update(from: pointer, count: min(used, count))
    return copy
  }
}

/// Hands out parts of one buffer, one after the other.
///
/// The same code that takes its parts also tells how much it needs, when it is run on an arena of
/// which only `used` is read.
struct Arena {
  private let base: UnsafeMutablePointer<Float>
  private(set) var used = 0

  init(_ base: UnsafeMutablePointer<Float>) { self.base = base }

  /// An arena that only counts what is taken from it; its pointers lead nowhere.
  static var counting: Arena { Arena(UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped) }

  /// The next `count` values, on a boundary of 64 bytes from the start.
  mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    defer { used += (count + 15) / 16 * 16 }
    return base + used
  }

  /// The next `count` integers.
  mutating func takeIntegers(_ count: Int) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(take(count)).bindMemory(to: Int32.self, capacity: count)
  }
}
