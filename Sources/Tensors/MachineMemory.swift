import Diagnostics
import Platform
import Synchronization
import SystemPackage

/// How much memory the process may have, and how much of it states, caches and workspaces took.
///
/// Operating systems promise more memory than there is and kill the process that uses it, so that a
/// successful allocation proves nothing.
package enum MachineMemory {
  /// The memory of the machine, or of the group of processes where that is less.
  /// - Units: bytes.
  package static let limit: Int = {
    let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
    let size = Int(sysconf(Int32(_SC_PAGESIZE)))
    let machine = pages > 0 && size > 0 ? pages.multipliedReportingOverflow(by: size) : (.max, true)
    return min(machine.overflow ? .max : machine.partialValue, groupLimit ?? .max)
  }()

  /// What a control group of Linux allows; nil where nothing is said.
  private static var groupLimit: Int? {
    let paths = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    return paths.lazy.compactMap { path -> Int? in
      let descriptor = try? FileDescriptor.open(FilePath(path), .readOnly)
      guard let descriptor else { return nil }
      defer { try? descriptor.close() }
      var text = [UInt8](repeating: 0, count: 32)
      let count = (try? text.withUnsafeMutableBytes { try descriptor.read(into: $0) }) ?? 0
      return Int(String(decoding: text.prefix(count).prefix { $0 > 0x20 }, as: UTF8.self))
    }.first
  }

  /// Refuses what would need more memory than there is.
  /// - Parameter count: the bytes that arrays of the standard library will take, which end the process
  ///   where they cannot grow; nil for more than an `Int` can count.
  /// - Throws: `Problem` of kind `io`.
  package static func check(_ count: Int?, for what: String, remedy: String) throws {
    if let count, count <= limit { return }
    throw Problem(
      .io, "not enough memory for \(what)", expected: "at most \(limit) bytes",
      found: count.map { "\($0) bytes" } ?? "more than any machine has", remedy: remedy)
  }

  /// Only a sum: no other memory is published through it, so that relaxed memory order suffices.
  private static let taken = Atomic<Int>(0)

  /// Counts memory that is about to be reserved.
  /// - Returns: false where it would be more than there is, together with what is reserved already;
  ///   then nothing is counted.
  package static func take(_ count: Int) -> Bool {
    var before = taken.load(ordering: .relaxed)
    while true {
      guard count >= 0, count <= limit - before else { return false }
      let (isDone, now) = taken.weakCompareExchange(
        expected: before, desired: before + count, ordering: .relaxed)
      if isDone { return true }
      before = now
    }
  }

  /// Counts memory that was given back.
  package static func giveBack(_ count: Int) {
    taken.subtract(count, ordering: .relaxed)
  }
}
