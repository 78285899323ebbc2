import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Expects that a command refused its input: the exit code, a message that names what it should, no
/// output, no crash and no waiting.
func expectRefusal(
  _ result: CommandResult, _ exitCode: Int32, _ mentions: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(result.exitCode == exitCode, "\(result)", sourceLocation: sourceLocation)
  #expect(result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
  #expect(!result.errors.contains("Fatal error"), "\(result)", sourceLocation: sourceLocation)
  for text in mentions where !text.isEmpty {
    #expect(
      result.errors.contains(text), "no \"\(text)\" in: \(result)", sourceLocation: sourceLocation)
  }
}

/// Expects that a command did its work.
func expectSuccess(_ result: CommandResult, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(result.exitCode == 0, "\(result)", sourceLocation: sourceLocation)
  #expect(result.errors.isEmpty, "\(result)", sourceLocation: sourceLocation)
}

/// Runs a conversion.
func convert(_ source: FilePath, _ target: FilePath, _ options: String...) throws -> CommandResult {
  try GraftCommand.run(["convert", source.string, target.string] + options)
}

/// Expects the same tensors, byte for byte, in two checkpoint directories.
func expectSameTensors(
  _ a: FilePath, _ b: FilePath, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let (a, b) = (try EditableCheckpoint.tensors(of: a), try EditableCheckpoint.tensors(of: b))
  #expect(!a.isEmpty && a.keys.sorted() == b.keys.sorted(), sourceLocation: sourceLocation)
  for (name, tensor) in a { #expect(tensor == b[name], "\(name)", sourceLocation: sourceLocation) }
}

extension TemporaryDirectory {
  /// Converts into a directory of some name here and expects that it works.
  func convert(_ source: FilePath, _ name: String, _ options: String...) throws -> FilePath {
    let out = path.appending(name)
    expectSuccess(try GraftCommand.run(["convert", source.string, out.string] + options))
    return out
  }
}

extension EditableCheckpoint {
  /// Runs a verb on the copy.
  func graft(_ verb: String, _ options: String..., seconds: Double = 20) throws -> CommandResult {
    try GraftCommand.run([verb, path.string] + options, seconds: seconds)
  }

  /// Expects that inspecting and converting the copy is refused and leaves nothing behind.
  func expectRefused(
    _ exitCode: Int32, _ mentions: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = neighbours
    for arguments in [["inspect", path.string], ["convert", path.string, beside("out").string]] {
      let result = try GraftCommand.run(arguments, seconds: 20)
      expectRefusal(result, exitCode, mentions, sourceLocation: sourceLocation)
    }
    #expect(neighbours == before, sourceLocation: sourceLocation)
  }

  /// The recorded logits of the fixture, beside its weights.
  var reference: String { path.appending("reference.safetensors").string }
}
