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

  private static let mlx = [
    "mlx-bailing_hybrid", "mlx-kimi_linear", "mlx-olmo_hybrid", "mlx-qwen3_5", "mlx-qwen3_5_moe",
    "mlx-qwen3_next", "mlx-qwen4_exp",
  ]

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
      (["convert", "--to", "ml"], ["mlx"] + mlx),
      (["convert", "--to", "qwen3_5", "--form", "mul"], ["multimodal"]),
      (
        ["convert", "--to", "qwen3_5_moe", "--form", "te"],
        [#"text,\ experts\ apart"#, #"text,\ experts\ fused"#]
      ),
      (["splice", "options/gdn-small", "out", "--layer", ""], ["0", "1", "all", "auto"]),
      (["splice", "lm-engine/gdn-hybrid", "out", "--layer", "1,"], ["1,0", "1,1", "1,3"]),
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
