import Foundation
import PackagePlugin

/// Puts every file of `formats/` into the module that uses the plugin, as Swift source.
@main
struct EmbedFormats: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let folder = context.package.directoryURL.appending(path: "formats")
    let layouts = try Self.files(in: folder)
    let parts = try Self.files(in: folder.appending(path: "parts"))
    let output = context.pluginWorkDirectoryURL.appending(path: "FormatFiles.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(layouts.count) layout files",
        executable: try context.tool(named: "embed-formats").url,
        arguments: [output.path()]
          + ["--list", "layouts"] + layouts.map { $0.path() }
          + ["--list", "parts"] + parts.map { $0.path() },
        inputFiles: layouts + parts, outputFiles: [output])
    ]
  }

  /// The JSON files of a folder, by name.
  private static func files(in folder: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }
}
