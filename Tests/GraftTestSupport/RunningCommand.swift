import Foundation
import SystemPackage

/// The built `graft` as a process that has been started, with a limit on its address space.
public final class RunningCommand {
  private let arguments: [String]
  private let process = Process()
  private let folder: TemporaryDirectory
  private let output: FilePath
  private let errors: FilePath

  /// Starts the tool.
  /// - Parameters:
  ///   - megabytes: the most address space; an allocation beyond it fails.
  ///   - directory: where it runs.
  ///   - environment: variables added to those of this process.
  public init(
    _ arguments: [String], megabytes: Int = 4096, directory: FilePath? = nil,
    environment: [String: String] = [:]
  ) throws {
    self.arguments = arguments
    folder = try TemporaryDirectory()
    output = try folder.write("output", [])
    errors = try folder.write("errors", [])
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      [
        "-c", "ulimit -v \(megabytes * 1024); ulimit -c 0; exec \"$0\" \"$@\"",
        GraftCommand.executable.string,
      ] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: output.string)
    process.standardError = FileHandle(forWritingAtPath: errors.string)
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory.string) }
    try process.run()
  }

  /// Whether the process has not ended yet.
  public var isRunning: Bool { process.isRunning }

  /// Sends a signal.
  public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits for the end.
  /// - Parameter seconds: when the process is killed.
  public func finish(seconds: Double = 30) throws -> CommandResult {
    let start = Date()
    var wasKilled = false
    var peakMemory: Int?
    while process.isRunning {
      if Date().timeIntervalSince(start) > seconds, !wasKilled {
        send(SIGKILL)
        wasKilled = true
      }
      peakMemory = memory ?? peakMemory
      usleep(1000)
    }
    let hasExited = process.terminationReason == .exit
    return CommandResult(
      exitCode: hasExited ? process.terminationStatus : nil,
      signal: hasExited ? nil : process.terminationStatus, wasKilled: wasKilled,
      peakMemory: peakMemory,
      output: String(decoding: try Fixtures.contents(output), as: UTF8.self),
      errors: String(decoding: try Fixtures.contents(errors), as: UTF8.self),
      arguments: arguments)
  }

  private var memory: Int? {
    let path = "/proc/\(process.processIdentifier)/status"
    let status = try? String(contentsOfFile: path, encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    return number.flatMap { Int($0) }.map { $0 * 1024 }
  }
}
