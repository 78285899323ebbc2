import Conversion
import Diagnostics
import Layouts
import Opening
import Platform
import SystemPackage

/// Converts a checkpoint to the layout of mlx-lm, with the checks that the command makes.
func convert(_ path: FilePath, to destination: FilePath) throws {
  let catalogue = try LayoutCatalogue.builtIn()
  let source = try OpenedModel(path, catalogue: catalogue)
  try source.checkPayload()
  try source.checkSigns()
  let layout = try source.target("mlx-qwen3_next", in: catalogue)
  let plan = try CheckpointPlan(converting: source, to: layout, options: ConversionOptions())
  let options = WriteOptions(catalogue: catalogue, version: "example")
  _ = try plan.write(
    to: destination, options,
    beforeAppearing: { output in
      print("checked as \(output.layout.id), \(output.checkpoint.tensors.count) tensors")
    })
}

let paths = CommandLine.arguments.dropFirst().map { FilePath($0) }
do {
  try convert(
    paths.first ?? "fixtures/huggingface/qwen3_next/bf16",
    to: paths.dropFirst().first ?? "converted")
} catch let problem as Problem {
  print(problem.text)
  exit(problem.exitCode)
}
