import ArgumentParser
import Diagnostics

/// The arguments of the process as the system hands them over.
enum Arguments {
  /// Refuses arguments that are not UTF-8: once decoded, such a name would mean another file.
  /// - Throws: `Problem` of kind `unsupported`.
  static func check() throws {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let start = CommandLine.unsafeArgv[index] else { continue }
      let bytes = UnsafeRawBufferPointer(start: start, count: length(start))
      guard String(validating: bytes, as: UTF8.self) == nil else { continue }
      throw Problem(
        .unsupported, "a name on the command line is not UTF-8", expected: "UTF-8",
        found: PrintableText.text(of: bytes),
        remedy: "rename the file, or lead to it by a link with another name")
    }
  }

  private static func length(_ text: UnsafePointer<CChar>) -> Int {
    (0...).first { text[$0] == 0 } ?? 0
  }
}
