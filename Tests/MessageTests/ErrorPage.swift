import Foundation
import GraftTestSupport
import SystemPackage

/// The page of the documentation that shows every message, made by provoking them.
enum ErrorPage {
  static let sections: [MessageSection] = [
    .commandLine, .tokens, .rankedTokens, .places, .natures, .safetensors, .shards, .archives,
    .torchFiles,
    .distributed, .ranks, .megatron,
    .damaged, .gguf, .configs, .layerConfigs, .weights, .packed, .packedCheckpoints, .conversions,
    .repairs, .adapters, .compositions,
    .outputs, .writers,
    .splices,
    .layoutFiles, .runtimeLayouts, .calls,
  ]

  static let path = Fixtures.directory.removingLastComponent().appending("docs/errors.md")

  /// Provokes every message.
  /// - Throws: `NothingWentWrong` with all cases in which nothing did.
  static func messages() throws -> [(section: String, when: String, message: Message)] {
    var (messages, failures): ([(String, String, Message)], [String]) = ([], [])
    for section in sections {
      for one in section.cases {
        do {
          messages.append((section.title, one.when, try one.provoke(Workshop())))
        } catch {
          failures.append("\(section.title), \(one.when): \(error)")
        }
      }
    }
    guard failures.isEmpty else {
      throw NothingWentWrong(what: failures.joined(separator: "\n"))
    }
    return messages
  }

  /// The text of the page.
  static func text(_ messages: [(section: String, when: String, message: Message)]) -> String {
    let parts = sections.map { section in
      let entries = messages.filter { $0.section == section.title }.map { entry in
        """
        **\(entry.when.prefix(1).uppercased())\(entry.when.dropFirst())** (exit code \(entry.message.exitCode))

        ```
        \(entry.message.text)
        ```
        """
      }
      return (["## \(section.title)"] + entries).joined(separator: "\n\n")
    }
    return ([introduction] + parts).joined(separator: "\n\n") + "\n"
  }

  private static let introduction = """
    # Error messages

    What Graft says where something is wrong, and what was done to make it say so. A message names what is wrong, then as far
    as it applies the file, layer and tensor, what was expected and found, and what to do. With `--json` the same stands under
    `problems`. This page is written by the tests that provoke the messages: `make errors` writes it anew, and `make test`
    fails where it is not what the tests see. Texts of a single file are shown as `graft inspect` prints them, without the
    name of the verb. The last section is for programs that use the modules; they have to know what to do themselves.
    """
}
