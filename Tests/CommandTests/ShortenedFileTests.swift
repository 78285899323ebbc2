import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// A weight file that is cut while a command reads it.
@Suite struct ShortenedFileTests {
  /// The file is a pipe's worth of time away from being read: the cut races with the command, which
  /// must either have finished before or say so, and must leave nothing behind.
  @Test(arguments: ["convert", "verify"])
  func aCutIsAnErrorAndNoSignal(verb: String) throws {
    for delay in [0.0, 0.02, 0.05, 0.1] {
      let checkpoint = try EditableCheckpoint("trained/pytiny")
      let weights = checkpoint.path.appending("model.safetensors")
      let cut = Thread {
        Thread.sleep(forTimeInterval: delay)
        try? FileHandle(forWritingTo: URL(fileURLWithPath: weights.string)).truncate(
          atOffset: 16384)
      }
      cut.start()
      let arguments =
        verb == "convert"
        ? ["convert", checkpoint.path.string, checkpoint.beside("out").string]
        : ["verify", checkpoint.path.string, checkpoint.path.string]
      let result = try GraftCommand.run(arguments, seconds: 60)
      #expect(result.signal == nil && !result.wasKilled, "\(result)")
      let isWhole = result.exitCode == 0
      #expect(isWhole || [65, 74].contains(result.exitCode), "\(result)")
      if verb == "convert", !isWhole { #expect(checkpoint.neighbours == ["model"]) }
    }
  }
}
