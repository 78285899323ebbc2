import Conversion
import Layouts
import SystemPackage

extension CheckpointPlan {
  /// Writes the output without a record.
  func writePlainly(to destination: FilePath, threads: Int = 0) throws {
    var options = try WriteOptions(catalogue: .builtIn(), version: "0")
    (options.keepsRecord, options.threads) = (false, threads)
    _ = try write(to: destination, options)
  }
}
