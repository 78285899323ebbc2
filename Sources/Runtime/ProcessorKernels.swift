import CProcessor
import KernelLoops
import Kernels

#if arch(x86_64)
  import KernelLoopsV3
  import KernelLoopsV4
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The kernels of this process: the best that the processor can run, or those that the variable
/// `GRAFT_KERNELS` names, if it can run them.
package let kernels: KernelSet = {
  let sets = runnableKernels()
  let wanted = getenv("GRAFT_KERNELS").map { String(cString: $0) }
  return sets.first { $0.name == wanted } ?? sets[0]
}()

/// All kernels that the processor can run, best first.
func runnableKernels() -> [KernelSet] {
  #if arch(x86_64)
    let level = processor_level()
    return (level >= 4 ? [KernelLoopsV4.loops] : []) + (level >= 3 ? [KernelLoopsV3.loops] : [])
      + [KernelLoops.loops]
  #else
    return [KernelLoops.loops]
  #endif
}
