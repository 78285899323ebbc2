import Layouts
import Opening
import Runtime
import SystemPackage
import Verification

let folder = FilePath(CommandLine.arguments.dropFirst().first ?? "fixtures/trained/pytiny")
let opened = try OpenedModel(folder, catalogue: .builtIn())
let reference = folder.appending("reference.safetensors")
let verifier = try Verifier(Model(opened.canonical), gate: Gate("f32"), threads: 0)
let report = try verifier.compare(with: ReferenceFile(reference), file: reference.string)
print(report.passes ? "same" : "differs first in layer \(report.firstDivergentLayer ?? -1)")
