extension Graft {
  /// Shows how to start, where no verb is named.
  func run() throws { try Terminal.print(Self.start, keepsLines: true) }

  /// The commands that someone with a checkpoint needs first.
  private static let start = """
    graft reads, converts, edits and proves checkpoints of Gated DeltaNet hybrids.
    Five commands to start with, for a checkpoint in the folder MODEL:

      graft inspect MODEL                      what it is: layout, layers, state, arithmetic
      graft convert MODEL OUT --to mlx         write it for mlx-lm; --to gguf for llama.cpp
      graft verify OUT MODEL                   do both compute the same? else the first layer that differs
      graft splice MODEL OUT --layer 0         replace a Gated DeltaNet layer by an M2RNN layer
      graft generate MODEL --text "Once upon"  continue a text

    graft help lists all verbs; graft help VERB and man graft-VERB say every option.
    """
}
