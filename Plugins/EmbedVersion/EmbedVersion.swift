import Foundation
import PackagePlugin

/// Puts the commit that is built into the module that uses the plugin, as Swift source.
@main
struct EmbedVersion: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let package = context.package.directoryURL
    let output = context.pluginWorkDirectoryURL.appending(path: "BuiltCommit.swift")
    // The log of HEAD grows with every commit and checkout; without it, as in a tarball, nothing changes.
    let log = Self.repository(of: package).appending(path: "logs/HEAD")
    let exported = package.appending(path: "Sources/embed-version/commit.txt")
    let inputs = [exported, log].filter { FileManager.default.fileExists(atPath: $0.path()) }
    return [
      .buildCommand(
        displayName: "Embedding the commit",
        executable: try context.tool(named: "embed-version").url,
        arguments: [output.path()] + inputs.map { $0.path() }, inputFiles: inputs,
        outputFiles: [output])
    ]
  }

  /// The directory in which git keeps what belongs to this checkout, which need not exist.
  private static func repository(of package: URL) -> URL {
    let plain = package.appending(path: ".git")
    guard let text = try? String(contentsOf: plain, encoding: .utf8), text.hasPrefix("gitdir: ")
    else { return plain }
    let path = text.dropFirst("gitdir: ".count).prefix { !$0.isNewline }
    return URL(filePath: String(path), relativeTo: package)
  }
}
