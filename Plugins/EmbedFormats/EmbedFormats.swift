import Foundation
import PackagePlugin

/// Puts every file of `formats/` into the module that uses the plugin, as Swift source.
@main
struct EmbedFormats: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let folder = context.package.directoryURL.appending(path: "formats")
    let layouts = try Self.files(in: folder, "json")
    let parts = try Self.files(in: folder.appending(path: "parts"), "json")
    let code = try Self.files(in: folder.appending(path: "code"), "py")
    let output = context.pluginWorkDirectoryURL.appending(path: "FormatFiles.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(layouts.count) layout files",
        executable: try context.tool(named: "embed-formats").url,
        arguments: [output.path()]
          + ["--list", "layouts"] + layouts.map { $0.path() }
          + ["--list", "parts"] + parts.map { $0.path() }
          + ["--list", "code"] + code.map { $0.path() },
        inputFiles: layouts + parts + code, outputFiles: [output])
    ]
  }

  /// The files of a folder with an extension, by name.
  private static func files(in folder: URL, _ pathExtension: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == pathExtension }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }
}
