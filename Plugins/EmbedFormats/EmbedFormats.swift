import Foundation
import PackagePlugin

/// Puts every file of `formats/` into the module that uses the plugin, as Swift source.
@main
struct EmbedFormats: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let folder = context.package.directoryURL.appending(path: "formats")
    let files = try FileManager.default
      .contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
    let output = context.pluginWorkDirectoryURL.appending(path: "FormatFiles.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(files.count) layout files",
        executable: try context.tool(named: "embed-formats").url,
        arguments: [output.path()] + files.map { $0.path() },
        inputFiles: files, outputFiles: [output])
    ]
  }
}
