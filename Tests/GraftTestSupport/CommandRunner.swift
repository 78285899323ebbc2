import Foundation
import JSON
import SystemPackage

/// What one run of the command line tool left behind.
public struct CommandResult: CustomStringConvertible {
  /// The exit code; nil where a signal ended the process.
  public let exitCode: Int32?
  /// The signal that ended the process.
  public let signal: Int32?
  /// Whether the time was up and the process was killed.
  public let wasKilled: Bool
  /// The most memory it had at a time, where the system tells; it is looked at every millisecond.
  /// - Units: bytes.
  public let peakMemory: Int?
  /// Standard output.
  public let output: String
  /// Standard error.
  public let errors: String
  /// What it was run with.
  public let arguments: [String]

  /// The document on standard output.
  public func json() throws -> JSONValue { try JSONValue(parsing: Array(output.utf8)) }

  /// The run for the message of a test.
  public var description: String {
    let end =
      exitCode.map { "exit \($0)" } ?? (wasKilled ? "time is up" : "signal \(signal ?? 0)")
    return "graft \(arguments.joined(separator: " ")): \(end)\n\(output)\(errors)"
  }
}

/// Runs the built `graft` as a process of its own, with a limit on time and address space.
public enum GraftCommand {
  /// The tool beside the test bundle.
  public static let executable: FilePath = {
    let bundle =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = FilePath(bundle).removingLastComponent().appending("graft")
    if FileManager.default.isExecutableFile(atPath: beside.string) { return beside }
    return Fixtures.directory.removingLastComponent().appending(".build/debug/graft")
  }()

  /// Runs the tool to its end.
  /// - Parameters:
  ///   - seconds: when the process is killed.
  ///   - megabytes: the most address space; an allocation beyond it fails.
  ///   - directory: where it runs.
  ///   - environment: variables added to those of this process.
  public static func run(
    _ arguments: [String], seconds: Double = 30, megabytes: Int = 4096,
    directory: FilePath? = nil, environment: [String: String] = [:]
  ) throws -> CommandResult {
    try RunningCommand(
      arguments, megabytes: megabytes, directory: directory, environment: environment
    ).finish(seconds: seconds)
  }

  /// Runs the tool to its end.
  public static func run(_ arguments: String...) throws -> CommandResult { try run(arguments) }
}
