import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Inputs and surroundings that once ended the process, or kept it busy for ever.
@Suite struct EndTests {
  private let folder: TemporaryDirectory
  private let model = Fixtures.path("options/gdn-small").string

  init() throws { folder = try TemporaryDirectory() }

  private func recipe(_ text: String, _ name: String = "r.yaml") throws -> CommandResult {
    let file = try folder.write(name, text.utf8).string
    return try GraftCommand.run(
      ["splice", model, folder.path.appending("out").string, "--recipe", file], seconds: 20)
  }

  @Test func recipesThatAreNestedTooDeeply() throws {
    let deep = 100_000
    for text in [
      String(repeating: "- ", count: deep) + "x",
      "splice: " + String(repeating: "[", count: deep) + String(repeating: "]", count: deep),
      "splice: " + String(repeating: "[", count: deep),
      "splice: [0, " + String(repeating: "[", count: deep),
      (0..<1000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
      (0..<1000).map { String(repeating: " ", count: $0) + "-" }.joined(separator: "\n") + " x",
      (0..<1000).map { String(repeating: "  ", count: $0 % 500) + "- a:" }.prefix(500).joined(
        separator: "\n"),
    ] {
      let result = try recipe(text)
      expectRefusal(result, 65, ["nest"])
      #expect(result.errors.utf8.count < 1000)
    }
    expectRefusal(
      try recipe(String(repeating: "[", count: deep), "r.json"), 65, ["nested too deeply"])
  }

  @Test(arguments: ["npz", "torch"])
  func whatAContainerCannotHoldIsRefusedBeforeAnythingIsWritten(_ container: String) throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    let name =
      container == "npz"
      ? "model.visual." + String(repeating: "a", count: 65_600) : "model.visual.a"
    let shape = container == "npz" ? [1] : Array(repeating: 1, count: 65)
    try checkpoint.editWeights { $0[name] = .init(name, "BF16", shape, [0, 0]) }
    let out = folder.path.appending("out")
    for option in ["--no-manifest", "--dry-run"] {
      let result = try checkpoint.graft("convert", out.string, "--container", container, option)
      expectRefusal(result, 69, ["model.visual.a"])
      #expect(EditableCheckpoint.names(in: folder.path) == [])
    }
  }

  /// The pipe for signals took the numbers of standard streams, so that what was printed was read as
  /// signals.
  @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
  func closedStreamsChangeNoExitCode(_ closed: String) throws {
    let codes = try (0..<8).map { _ in try code("\"$0\" diff \"$1\" \"$1\" \(closed)") }
    #expect(codes.allSatisfy { $0 == (closed.contains(" >&-") || closed.hasPrefix(">") ? 74 : 0) })
    let wrong = try (0..<4).map { _ in try code("\"$0\" inspect \"$2\" \(closed)") }
    #expect(wrong.allSatisfy { $0 == 66 })
  }

  private func code(_ line: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", line, GraftCommand.executable.string, model, folder.path.appending("nowhere").string,
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }

  /// With a search through all tensors after each, this took a minute.
  @Test func twentyThousandTensorsAreConvertedInSeconds() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    try checkpoint.editWeights { file in
      for index in 0..<20_000 {
        file.tensors.append(.init("model.visual.x.\(index)", "BF16", [1], [0, 0]))
      }
    }
    let result = try GraftCommand.run(
      [
        "convert", checkpoint.path.string, folder.path.appending("out").string, "--no-manifest",
        "-j", "1",
      ],
      seconds: 20)
    expectSuccess(result)
  }

  @Test func kernelsThatThereAreNot() throws {
    let result = try GraftCommand.run(
      ["inspect", model], environment: ["GRAFT_KERNELS": "nonsense"])
    expectRefusal(result, 64, ["GRAFT_KERNELS", "baseline", "nonsense"])
    expectSuccess(try GraftCommand.run(["inspect", model], environment: ["GRAFT_KERNELS": ""]))
  }

  @Test func mistypedOptionsAreNamedBeforeMissingOnes() throws {
    for (arguments, found, meant) in [
      (["splice", model, "out", "--layers", "0"], "--layers", "--layer"),
      (["verify", model, "--ref", "r"], "--ref", "--reference"),
      (["score", model, "--token", "t.json"], "--token", "--tokens"),
      (["generate", model, "--txt", "Once"], "--txt", "--text"),
    ] {
      let result = try GraftCommand.run(arguments)
      #expect(
        result.exitCode == 64
          && result.errors.hasPrefix("Error: Unknown option '\(found)'. Did you mean '\(meant)'?\n"),
        "\(result)")
    }
    #expect(!(try GraftCommand.run("score", model, "--ref", "r")).errors.contains("Did you mean"))
  }
}
