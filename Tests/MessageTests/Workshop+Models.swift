import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Opening

extension Workshop {
  /// Opens a changed copy of a tiny model.
  func tiny(_ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    try opened("options/gdn-small", change)
  }

  /// Opens a tiny model with another text in its config.
  func tiny(_ old: String, _ new: String) throws -> Message {
    try tiny { try $0.replace(old, new) }
  }

  /// Opens a copy of a fixture with a changed config.
  func edited(_ fixture: String, _ change: (inout JSONValue) -> Void) throws -> Message {
    try opened(fixture) { try $0.editConfig(change) }
  }

  /// Takes what is found in a copy of a fixture with a changed config and does no harm.
  func finding(_ fixture: String, _ change: (inout JSONValue) -> Void) throws -> Message {
    try finding(of: fixture) { try $0.editConfig(change) }
  }

  /// What is found of a changed model that opens all the same.
  func finding(of fixture: String, _ change: (EditableCheckpoint) throws -> Void) throws -> Message
  {
    let path = try model(fixture, change)
    let found = try OpenedModel(path, catalogue: .builtIn()).findings
    return try thrown {
      try Problem.throwIfAny(found)
      return "nothing is found"
    }
  }

  /// Opens a file of the fixtures with other bytes in one place.
  func patched(_ fixture: String, _ old: [UInt8], _ new: [UInt8]) throws -> Message {
    let bytes = try Fixtures.bytes(fixture).replacing(old, with: new, maxReplacements: 1)
    return try opened(file("model." + (fixture.split(separator: ".").last ?? ""), bytes))
  }

  /// Runs the tool to a good end.
  func run(_ arguments: String...) throws {
    let result = try GraftCommand.run(arguments, directory: folder.path)
    guard result.exitCode == 0 else { throw NothingWentWrong(what: "\(result)") }
  }

  /// A copy, named `model`, of what was written here.
  func copied(_ name: String) throws -> EditableCheckpoint {
    try EditableCheckpoint(copying: folder.path.appending(name), into: folder)
  }
}

extension EditableCheckpoint {
  /// Leaves one position to every convolution over four, in BF16.
  func shortenConvolutions() throws {
    try editConfig { $0["linear_conv_kernel_dim"] = 1 }
    try editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.hasSuffix("_conv1d.weight") {
        let old = file.tensors[index]
        file.tensors[index].shape = [old.shape[0], 1, 1]
        file.tensors[index].bytes = stride(from: 0, to: old.bytes.count, by: 8)
          .flatMap { old.bytes[$0..<($0 + 2)] }
      }
    }
  }

  /// Gives a tensor another type, and zeros.
  func retype(_ name: String, _ type: String, bits: Int) throws {
    try editWeights { file in
      let count = (file[name]?.shape ?? []).reduce(1, *)
      file[name]?.type = type
      file[name]?.bytes = [UInt8](repeating: 0, count: count * bits / 8)
    }
  }
}
