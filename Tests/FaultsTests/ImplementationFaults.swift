import GraftTestSupport
import JSON
import Opening
import Runtime
import Verification

/// Mistakes of programs that run a checkpoint: the part `implementations` of `fixtures/faults.json`.
enum ImplementationFaults {
  /// One way to compute a checkpoint wrong.
  struct Fault: Sendable {
    let id: String
    let what: String
    /// The checkpoint that is run.
    let fixture: String
    /// The first layer that computes something else.
    let layer: Int

    init(_ line: JSONValue) {
      id = line["id"]?.string ?? ""
      what = line["what"]?.string ?? ""
      fixture = line["fixture"]?.string ?? ""
      layer = line["layer"]?.int ?? -1
    }
  }

  /// All mistakes.
  static let all = (FaultCatalogue.file["implementations"]?.array ?? []).map(Fault.init)

  /// What verify says of a sound checkpoint, held to what the program with the mistake recorded.
  static func report(_ fault: Fault, gate: Gate = .f32) throws -> VerificationReport {
    let opened = try OpenedModel(Fixtures.path(fault.fixture), catalogue: .builtIn())
    let name = "faults/\(fault.id).safetensors"
    return try Verifier(Model(opened.canonical), gate: gate, threads: 1)
      .compare(with: ReferenceFile(Fixtures.path(name)), file: name)
  }
}
