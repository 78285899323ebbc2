import Conversion
import Layouts
import SystemPackage

extension CheckpointPlan {
  /// Writes the output, without a record where none is asked for.
  func writePlainly(to destination: FilePath, threads: Int = 0, keepsRecord: Bool = false) throws {
    var options = try WriteOptions(catalogue: .builtIn(), version: "0")
    (options.keepsRecord, options.threads) = (keepsRecord, threads)
    _ = try write(to: destination, options)
  }
}
