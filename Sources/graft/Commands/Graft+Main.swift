import ArgumentParser
import Diagnostics

extension Graft {
  /// Runs the command; what the parser of arguments says passes the same place as everything else.
  static func main() {
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      let mistake = mistake() ?? error
      let (code, message) = (exitCode(for: mistake), fullMessage(for: mistake))
      guard !code.isSuccess, !message.isEmpty else { exit(withError: mistake) }
      let text = explained(message) ?? message
      Terminal.write(PrintableText.text(text, keepsLines: true) + "\n", to: 2)
      exit(withError: code)
    }
  }

  /// The arguments of the process, with `--formats DIR` before the verb put behind it: every verb has the
  /// option, so that it may stand before any of them.
  private static var arguments: [String] {
    let words = Array(CommandLine.arguments.dropFirst())
    let option = "--formats"
    let count = words.first == option ? 2 : words.first?.hasPrefix(option + "=") == true ? 1 : 0
    guard count > 0, words.count > count else { return words }
    return [words[count]] + words[..<count] + words[(count + 1)...]
  }

  /// What is wrong with an option by itself; nil where nothing is.
  private static func mistake() -> (any Error)? {
    do {
      _ = try OptionChecks.$areDone.withValue(false) { try parseAsRoot(arguments) }
      return nil
    } catch {
      return error
    }
  }

  /// The message about an unknown option with the one that was probably meant: one that begins so, or is
  /// spelled nearly so. Others that are as far away are no help.
  private static func explained(_ text: String) -> String? {
    guard
      let found = text.firstMatch(
        of: /Unknown option '--(?<name>[^'=]+)[^']*'(?:\. Did you mean '[^']*'\?)?/)
    else { return nil }
    let name = String(found.name)
    let known = options()
    let meant = known.first { $0.hasPrefix(name) } ?? Suggestion.nearest(to: name, in: known)
    let question = meant.map { ". Did you mean '--\($0)'?" } ?? ""
    return text.replacing(found.0, with: "Unknown option '--\(name)'\(question)")
  }

  /// The long options of the verb on the command line, without dashes.
  private static func options() -> [String] {
    let words = arguments
    let verb = words.lazy.compactMap { word in
      configuration.subcommands.first { $0.configuration.commandName == word }
    }.first
    return helpMessage(for: verb ?? Graft.self).matches(of: /(?m:^ .*?)--(?<name>[a-z0-9-]+)/)
      .map { String($0.name) }
  }
}
