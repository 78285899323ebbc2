import Foundation
import SystemPackage

/// Where the checkpoints of the repository are.
public enum Fixtures {
  /// The `fixtures` folder beside the package manifest.
  public static let directory = FilePath(#filePath)
    .removingLastComponent().removingLastComponent().removingLastComponent()
    .appending("fixtures")

  /// The path of one fixture, such as `lm-engine/m2rnn-1l`.
  public static func path(_ name: String) -> FilePath { directory.appending(name) }

  /// The bytes of a file of a fixture.
  public static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name).string)))
  }
}
