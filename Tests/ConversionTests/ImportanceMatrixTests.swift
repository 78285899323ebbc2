import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// Files quantised by an importance matrix are those of llama.cpp, byte for byte; matrices of other models
/// are refused.
struct ImportanceMatrixTests {
  /// A file, a kind, and the hash of what llama.cpp makes of it by `Matrix`.
  struct Case: CustomTestStringConvertible, Sendable {
    let source: String
    let kind: QuantisationKind
    let hash: String
    var testDescription: String { "\(source) \(kind.rawValue)" }

    static let all: [Case] = {
      let list = try? JSONValue(parsing: Fixtures.bytes("gguf/importances.json")).array
      return (list ?? []).compactMap { value in
        guard let source = value["source"]?.string, let hash = value["sha256"]?.string,
          let kind = value["kind"]?.string.flatMap({ QuantisationKind(name: $0) })
        else { return nil }
        return Case(source: source, kind: kind, hash: hash)
      }
    }()
  }

  /// The matrix of `make_importance_fixtures.py`.
  struct Matrix {
    var entries: [(name: String, values: [Float], matrices: Int)]
    private let calls: Float = 6

    init(_ checkpoint: StoredCheckpoint) {
      let matrices = checkpoint.tensors.filter {
        $0.shape.count > 1 && $0.name.hasSuffix("weight") && !$0.name.contains("conv1d")
          && $0.name != "token_embd.weight"
      }
      entries = matrices.sorted { $0.name < $1.name }.enumerated().map { number, tensor in
        let outer = tensor.shape.dropLast(2).reduce(1, *)
        let count = (tensor.shape.last ?? 0) * outer
        return (
          tensor.name,
          (0..<count).map { index in
            number % 5 == 4 && index % 2 == 1 ? 0 : Float((7 * index + 13 * number) % 29 + 1)
          }, outer
        )
      }
    }

    /// The form from before GGUF.
    var legacy: [UInt8] {
      func number(_ number: Int) -> [UInt8] { GGUFLiteral.number(Int32(number)) }
      func text(_ text: String) -> [UInt8] { number(text.utf8.count) + Array(text.utf8) }
      var bytes = number(entries.count)
      for entry in entries {
        bytes += text(entry.name) + number(Int(calls)) + number(entry.values.count)
        bytes += entry.values.flatMap { GGUFLiteral.number(($0 * calls).bitPattern) }
      }
      return bytes + number(3) + text("calibration.txt")
    }

    /// The form of today.
    var gguf: [UInt8] {
      var file = GGUFLiteral()
      let data = GGUFLiteral.text("calibration.txt")
      file.values = [
        GGUFLiteral.value("general.type", 8, GGUFLiteral.text("imatrix")),
        GGUFLiteral.value(
          "imatrix.datasets", 9,
          GGUFLiteral.number(UInt32(8)) + GGUFLiteral.number(UInt64(1)) + data),
        GGUFLiteral.value("imatrix.chunk_count", 4, GGUFLiteral.number(UInt32(3))),
        GGUFLiteral.value("imatrix.chunk_size", 4, GGUFLiteral.number(UInt32(512))),
      ]
      (file.tensors, file.data) = ([], [])
      func add(_ name: String, _ shape: [Int], _ values: [Float]) {
        file.tensors.append(
          GGUFLiteral.tensor(name, shape.map { UInt64($0) }, 0, at: UInt64(file.data.count)))
        file.data += values.flatMap { GGUFLiteral.number($0.bitPattern) }
        while file.data.count % 32 != 0 { file.data.append(0) }
      }
      for entry in entries {
        let columns = entry.values.count / entry.matrices
        add("\(entry.name).in_sum2", [columns, entry.matrices], entry.values.map { $0 * calls })
        add(
          "\(entry.name).counts", [1, entry.matrices],
          Array(repeating: calls, count: entry.matrices))
      }
      return file.bytes
    }
  }

  private struct Shop {
    let folder: TemporaryDirectory
    let source: OpenedModel
    var matrix: Matrix

    init(_ fixture: String) throws {
      folder = try TemporaryDirectory()
      source = try OpenedModel(Fixtures.path(fixture), catalogue: .builtIn())
      matrix = Matrix(source.checkpoint)
    }

    func read(_ bytes: [UInt8]) throws -> ImportanceMatrix {
      let path = folder.path.appending("imatrix")
      try Data(bytes).write(to: URL(fileURLWithPath: path.string))
      return try ImportanceMatrix(path.string, named: "importances")
    }

    func plan(_ kind: QuantisationKind, _ importances: ImportanceMatrix) throws -> CheckpointPlan {
      var options = ConversionOptions()
      (options.quantisation, options.importances) = (kind, importances)
      return try CheckpointPlan(
        converting: source, to: source.target(source.layout.id, in: .builtIn()), options: options)
    }
  }

  @Test(arguments: Case.all)
  func filesAreThoseOfLlamaQuantize(item: Case) throws {
    let shop = try Shop(item.source)
    for (name, bytes) in [("old", shop.matrix.legacy), ("new", shop.matrix.gguf)] {
      let out = shop.folder.path.appending(name)
      try shop.plan(item.kind, shop.read(bytes)).writePlainly(to: out)
      let file = try #require(
        try OpenedModel(out, catalogue: .builtIn()).checkpoint.weightFiles.first)
      let stored = try MappedFile(out.appending(file))
      #expect(try TensorHash.stored(ByteRegion(stored)) == item.hash, "\(name)")
    }
  }

  /// Rows, experts and layers that are not those of the model, and names that are none of it.
  @Test func matricesOfOtherModelsAreRefused() throws {
    var shop = try Shop("gguf/qwen35moe-bf16.gguf")
    let sound = shop.matrix
    func problem() throws -> Problem {
      let matrix = try shop.read(shop.matrix.legacy)
      let problem = try #require(throws: Problem.self) { try shop.plan(.q4KM, matrix) }
      #expect(problem.what == "this is the importance matrix of another model")
      return problem
    }
    shop.matrix.entries[0].values.removeLast()
    #expect(try problem().tensor == sound.entries[0].name)
    shop.matrix.entries = sound.entries + [("blk.0.ssm_gate.weight", [1, 2], 1)]
    #expect(try problem().found == "no tensor of this name")
    shop.matrix.entries = sound.entries.filter { !$0.name.hasPrefix("blk.1.") }
    #expect(try problem().tensor == "blk.1")
    shop.matrix.entries = Array(sound.entries.dropFirst())
    _ = try shop.plan(.q4KM, shop.read(shop.matrix.legacy))
  }

  @Test func kindsWithoutUseForItAreRefused() throws {
    let shop = try Shop("gguf/qwen35moe-bf16.gguf")
    let matrix = try shop.read(shop.matrix.legacy)
    for kind in [QuantisationKind.q8Zero, .mxfp4] {
      let problem = try #require(throws: Problem.self) { try shop.plan(kind, matrix) }
      #expect(problem.kind == .usage && problem.found == kind.rawValue)
    }
  }

  /// Files that end early, count wrongly or hold what no measurement gives.
  @Test func whatIsNoMatrixIsRefused() throws {
    var shop = try Shop("gguf/qwen35moe-bf16.gguf")
    let whole = shop.matrix.legacy
    for end in [0, 3, 4, 9, 40, 300, whole.count - 16] {
      let problem = try #require(throws: Problem.self) { try shop.read(Array(whole[..<end])) }
      #expect(problem.kind == .invalid && problem.what == "this is no importance matrix")
    }
    for value in [Float.nan, -1, .infinity] {
      shop.matrix.entries[0].values[3] = value
      for bytes in [shop.matrix.legacy, shop.matrix.gguf] {
        #expect(throws: Problem.self) { try shop.read(bytes) }
      }
    }
    #expect(throws: Problem.self) { try shop.read(GGUFLiteral().bytes) }
  }
}
