import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Archives of numpy 2 and mlx against what was put into them.
@Suite struct NpzFileTests {
  private static let readable = ["stored", "deflated", "mlx", "mlx-deflated", "extra"]

  @Test(arguments: readable) func holdsWhatWasPutIn(_ name: String) throws {
    let fixture = ContainerFixture("npz/\(name).npz")
    let file = try Container.npz.open(fixture.path)
    try fixture.expectSame(file.tensors)
    for check in file.payloadChecks { try check.check() }
    #expect(file.ignored.map(\.text) == (name == "extra" ? ["notes.txt (an entry)"] : []))
  }

  @Test(arguments: [
    ("big-endian", ">f4"), ("objects", "|O"), ("text", "<U1"), ("record", nil),
  ])
  func refusesWhatIsNoTensor(_ name: String, _ found: String?) throws {
    let path = ContainerFixture("npz/refused-\(name).npz").path
    let problem = try #require(throws: Problem.self) { try NpzFile(path) }
    #expect(problem.kind == .unsupported && problem.tensor == "w" && problem.found == found)
    #expect(problem.file == path.string)
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2", "{", "",
  ])
  func otherHeadersAreRefused(_ text: String) throws {
    var header = LittleEndianBytes(bytes: [0x93] + "NUMPY".utf8 + [1, 0])
    header.append(UInt16(text.utf8.count))
    let bytes = header.bytes + text.utf8
    let problem = try #require(throws: Problem.self) {
      try bytes.withUnsafeBytes { try NpyHeader($0) }
    }
    #expect(problem.kind == .invalid)
  }

  @Test func aShapeThatTheDataDoesNotFillIsRefused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("t.npz")
    let tensor = TensorToWrite(name: "w", type: .f32, shape: [4]) {
      try $0.write([UInt8](repeating: 1, count: 16))
    }
    try Container.npz.write([tensor], metadata: [], to: path)
    var bytes = try MappedFile.readAll(path, limit: 1 << 20)
    let shape = Array("(4,)".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: shape) })
    for (text, found) in [("(3,)", "[3] of F32"), ("(5,)", "[5] of F32")] {
      bytes.replaceSubrange(place..<place + 4, with: text.utf8)
      let problem = try #require(throws: Problem.self) {
        try NpzFile(OwnedBytes(copying: bytes), name: "t.npz")
      }
      #expect(problem.tensor == "w" && problem.expected == found && problem.found == "16 bytes")
    }
  }

  @Test(arguments: readable) func damagedFilesAreReadWithinBoundsOrRefused(_ name: String) throws {
    let bytes = try ContainerFixture("npz/\(name).npz").bytes
    Mutations.forEach(of: bytes, count: 3000) { damaged, seed in
      guard let file = try? NpzFile(OwnedBytes(copying: damaged), name: "t.npz") else { return }
      let total = file.tensors.reduce(0) { $0 + $1.byteCount }
      #expect(total <= 1032 * damaged.count, "seed \(seed)")
      for tensor in file.tensors { #expect(tensor.contents.count == tensor.byteCount) }
    }
  }
}

@Suite struct NpzWriterTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// `graft.npz` was read by numpy and by mlx and found to hold what is expected;
  /// `check_npz_fixtures.py` does it again.
  @Test func writesTheFileThatMLXWasSeenToRead() throws {
    let path = directory.path.appending("graft.npz")
    let tensors = try ["stored", "mlx"].flatMap { try ContainerFixture("npz/\($0).npz").expected }
    let unique = tensors.filter { $0.name != "row" }
    try Container.npz.write(unique.map(TensorToWrite.init), metadata: [], to: path)
    let written = try MappedFile.readAll(path, limit: 1 << 20)
    #expect(try written == ContainerFixture("npz/graft.npz").bytes)
    let file = try NpzFile(path)
    #expect(file.tensors.map(\.name) == unique.map(\.name))
    #expect(file.tensors.map(\.contents) == unique.map(\.contents))
    #expect(file.tensors.allSatisfy { $0.region.range.lowerBound % 64 == 0 })
    for checksum in file.checksums { try checksum.check() }
  }

  @Test func refusesTypesNumpyHasNot() throws {
    let tensor = TensorToWrite(name: "w", type: .f8E4M3, shape: [4]) { try $0.write([0, 0, 0, 0]) }
    let path = directory.path.appending("t.npz")
    let problem = try #require(throws: Problem.self) {
      try Container.npz.write([tensor], metadata: [], to: path)
    }
    #expect(problem.kind == .unsupported && problem.tensor == "w" && problem.found == "F8_E4M3")
  }

  /// What is written can be read again, up to the longest name and the most extents; beyond it is refused.
  @Test(arguments: [Container.npz, .torch])
  func whatIsWrittenCanBeRead(_ container: Container) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("w." + (container == .npz ? "npz" : "pt"))
    func write(_ name: String, _ shape: [Int]) throws {
      let size = shape.reduce(4, *)
      let tensor = TensorToWrite(name: name, type: .f32, shape: shape) {
        try $0.write([UInt8](repeating: 1, count: size))
      }
      try container.write([tensor], metadata: [], to: path)
      let read = try container.open(path)
      #expect(read.tensors.map(\.name) == [name] && read.tensors.map(\.shape) == [shape])
      try FileManager.default.removeItem(atPath: path.string)
    }
    try write(String(repeating: "n", count: 65_531), [1])
    try write("w", Array(repeating: 1, count: 64))
    for (name, shape) in [
      ("w", Array(repeating: 1, count: 65)), ("w", Array(repeating: 1, count: 70_000)),
    ]
      + (container == .npz
        ? [(String(repeating: "n", count: 65_532), [1])] : [("w", [0, 1 << 62, 4])])
    {
      let problem = try #require(throws: Problem.self) { try write(name, shape) }
      #expect(problem.kind == .unsupported && problem.text.utf8.count < 1000)
      #expect(!FileManager.default.fileExists(atPath: path.string))
    }
  }
}
