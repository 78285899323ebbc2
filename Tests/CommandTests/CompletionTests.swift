import Foundation
import GraftTestSupport
import Testing

/// What bash offers after the last word of a line.
@Suite struct CompletionTests {
  private static let asking = """
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
    _graft graft "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
    """

  private func offers(_ words: [String]) throws -> [String] {
    let folder = try TemporaryDirectory()
    let script = folder.path.appending("graft.bash").string
    try GraftCommand.run("--generate-completion-script", "bash").output
      .write(toFile: script, atomically: true, encoding: .utf8)
    let bash = Process()
    let pipe = Pipe()
    bash.executableURL = URL(fileURLWithPath: "/bin/bash")
    bash.arguments = ["-c", Self.asking, "bash", script, GraftCommand.executable.string] + words
    bash.currentDirectoryURL = URL(fileURLWithPath: Fixtures.directory.string)
    bash.standardOutput = pipe
    try bash.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    bash.waitUntilExit()
    return String(decoding: output, as: UTF8.self).split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash")),
    arguments: [
      (["conv"], ["convert"]), (["convert", "--dry"], ["--dry-run"]),
      (["convert", "--to", "gguf-qwen35m"], ["gguf-qwen35moe"]),
      (["inspect", "--from", "olmo"], ["olmo_hybrid"]),
      (["verify", "x", "--gate", "b"], ["bf16"]),
      (["splice", "a", "b", "--init", "d"], ["donor"]),
      (["inspect", "trained/pyti"], ["trained/pytiny"]),
      (
        ["score", "x", "--tokens", "trained/pyt"],
        ["trained/python-source.val.bin", "trained/pytiny"]
      ),
      (["inspect", "--assume", "norm-offset=1"], ["norm-offset=1"]),
    ])
  func wordsAreCompleted(words: [String], expected: [String]) throws {
    #expect(try offers(words).sorted() == expected)
  }
}
