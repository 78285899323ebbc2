import Diagnostics
import Kernels
import Runtime

/// A measured piece of work, as its line of words says.
struct Task {
  private let words: [Substring]

  init(_ line: String) { words = line.split(separator: " ") }

  private func number(_ index: Int) throws -> Int {
    guard words.indices.contains(index), let value = Int(words[index]), value > 0 else {
      throw Problem(.usage, "a task lacks number \(index)", found: words.joined(separator: " "))
    }
    return value
  }

  /// Makes what the task needs and returns the work itself.
  func body() throws -> () throws -> Void {
    switch words.first {
    case "peak": return KernelTasks.peak
    case "read": return try KernelTasks.read(mebibytes: number(1), threads: number(2))
    case "gemm":
      return try KernelTasks.product(
        String(words[1]), m: number(2), k: number(3), n: number(4), threads: number(5))
    case "map": return try KernelTasks.map(String(words[1]), count: number(2))
    case "m2rnn":
      return try RecurrenceTasks.m2rnn(
        heads: number(1), K: number(2), V: number(3), steps: number(4))
    case "gdn", "kda":
      return try RecurrenceTasks.deltaRule(
        heads: number(1), dk: number(2), dv: number(3), steps: number(4),
        byChannel: words.first == "kda")
    case "prefill":
      return try ModelTasks.prefill(String(words[1]), tokens: number(2), threads: number(3))
    case "decode":
      return try ModelTasks.decode(String(words[1]), tokens: number(2), threads: number(3))
    default:
      throw Problem(.usage, "there is no such task", found: words.joined(separator: " "))
    }
  }
}
