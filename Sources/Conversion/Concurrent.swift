import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Work on many items at a time.
enum Concurrent {
  /// Transforms every item; a free thread takes the next one.
  /// - Parameter threads: how many at a time; 0 stands for the active cores.
  static func map<Item: Sendable, Output: Sendable>(
    _ items: [Item], threads: Int, _ body: @Sendable (Item) -> Output
  ) -> [Output] {
    let cores = threads > 0 ? threads : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let next = Atomic<Int>(0)
    let results = Mutex<[Output?]>(Array(repeating: nil, count: items.count))
    withoutActuallyEscaping(body) { body in
      DispatchQueue.concurrentPerform(iterations: min(cores, items.count)) { _ in
        while true {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard index < items.count else { return }
          let output = body(items[index])
          results.withLock { $0[index] = output }
        }
      }
    }
    return results.withLock { $0.compactMap { $0 } }
  }
}
