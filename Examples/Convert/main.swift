import Conversion
import Layouts
import Opening
import SystemPackage

let paths = CommandLine.arguments.dropFirst().map { FilePath($0) }
let catalogue = try LayoutCatalogue.builtIn()
let source = try OpenedModel(paths.first ?? "fixtures/trained/pytiny", catalogue: catalogue)
try source.checkPayload()
try source.checkSigns()
let layout = try source.target("mlx-qwen3_next", in: catalogue)
let plan = try CheckpointPlan(converting: source, to: layout, options: ConversionOptions())
let options = WriteOptions(catalogue: catalogue, version: "example")
_ = try plan.write(
  to: paths.dropFirst().first ?? "converted", options,
  beforeAppearing: { output in
    print("checked as \(output.layout.id), \(output.checkpoint.tensors.count) tensors")
  })
