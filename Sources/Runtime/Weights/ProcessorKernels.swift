import CPlatform
import Diagnostics
import KernelLoops
import Kernels
import Platform

#if arch(x86_64)
  import KernelLoopsV3
  import KernelLoopsV4
#endif

/// The kernels of this process: the best that the processor can run, or those that the variable
/// `GRAFT_KERNELS` names.
package let kernels: KernelSet = {
  let sets = runnableKernels()
  return sets.first { $0.name == ProcessorKernels.wanted } ?? sets[0]
}()

/// The choice of kernels by name.
public enum ProcessorKernels {
  static let variable = "GRAFT_KERNELS"

  /// The name that the environment gives; nil where it gives none.
  static var wanted: String? {
    getenv(variable).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Refuses a name that is none, or that of kernels which this processor cannot run.
  /// - Throws: `Problem` of kind `usage`.
  public static func check() throws {
    let names = runnableKernels().map(\.name)
    guard let wanted, !names.contains(wanted) else { return }
    throw Problem(
      .usage, "\(variable) names no kernels that this processor can run",
      expected: names.joined(separator: ", "), found: wanted,
      remedy: "unset \(variable), or set it to one of these")
  }
}

/// All kernels that the processor can run, best first.
func runnableKernels() -> [KernelSet] {
  #if arch(x86_64)
    let level = processor_level()
    return (level >= 4 ? kernelsOfV4() : []) + (level >= 3 ? [KernelLoopsV3.loops] : [])
      + [KernelLoops.loops]
  #else
    return [KernelLoops.loops]
  #endif
}

#if arch(x86_64)
  /// Those for AVX-512, before them the same with tiles where processor and system have some.
  private func kernelsOfV4() -> [KernelSet] {
    let set = KernelLoopsV4.loops
    guard tiles_request() != 0 else { return [set] }
    return [set.multiplying(in: ProcessorTiles.self, name: set.name + "-amx"), set]
  }
#endif
