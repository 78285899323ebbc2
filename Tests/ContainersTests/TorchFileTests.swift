import Diagnostics
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Files of torch 2.15 against what torch itself reads from them.
@Suite struct TorchFileTests {
  private static let readable = [
    "types", "views", "protocol3", "protocol4", "protocol5", "legacy-types", "legacy-views",
    "legacy-protocol5", "module", "training", "nested", "attributes", "deflated",
  ]

  @Test(arguments: readable) func holdsWhatTorchReads(_ name: String) throws {
    let fixture = ContainerFixture("torch/\(name).pt")
    let file = try Container.torch.open(fixture.path)
    try fixture.expectSame(file.tensors)
    for check in file.payloadChecks { try check.check() }
  }

  @Test func sharedStoragesStayOneRange() throws {
    let file = try TorchFile(ContainerFixture("torch/views.pt").path)
    let base = try #require(file.tensors.first { $0.name == "base" })
    let tail = try #require(file.tensors.first { $0.name == "tail" })
    #expect(base.region.storage === tail.region.storage && base.region.storage is Checksum)
    #expect(tail.region.range.upperBound == base.region.range.upperBound)
    #expect(file.checksums.allSatisfy { $0.region.range.lowerBound % 64 == 0 })
  }

  @Test func whatIsNoWeightIsNamed() throws {
    let training = try TorchFile(ContainerFixture("torch/training.pt").path)
    #expect(
      training.ignored.map(\.text) == [
        "optimizer (a dictionary)", "rng (a tensor)", "epoch (a number)",
        "lr (a number with a fraction)", "name (a text)", "done (a flag)", "none (nothing)",
        "big (a number of more than 64 bits)", "sizes (a plain value)",
      ])
    let nested = try TorchFile(ContainerFixture("torch/nested.pt").path)
    #expect(nested.ignored.map(\.text) == ["args (a list)"])
  }

  @Test(arguments: [
    ("call", Problem.Kind.unsupported, "global posix.getcwd at offset 598"),
    ("list", .unsupported, "a list"), ("two", .unsupported, "model, state_dict"),
    ("sparse", .unsupported, "global torch._utils._rebuild_sparse_tensor at offset 13"),
    ("script", .unsupported, "refused-script/data.pkl"), ("pickle", .invalid, "other bytes"),
    ("protocol0", .invalid, "other bytes"),
  ])
  func refusesByName(_ name: String, _ kind: Problem.Kind, _ found: String) throws {
    let path = ContainerFixture("torch/refused-\(name).pt").path
    let problem = try #require(throws: Problem.self) { try TorchFile(path) }
    #expect(problem.kind == kind && problem.found == found && problem.file == path.string)
  }

  /// A folder whose name has more bytes than letters.
  @Test func theFolderMayHaveAnyName() throws {
    let fixture = ContainerFixture("torch/views.pt")
    let folder = try TemporaryDirectory()
    let path = folder.path.appending("renamed.pt")
    var zip = ZipPlan()
    for entry in try ZipArchive(MappedFile(fixture.path)).entries {
      let name = entry.name.replacing("views/", with: "модель é/", maxReplacements: 1)
      zip.add(name, try entry.bytes(limit: 1 << 20))
    }
    try WeightFileWriter(creating: path, zip.plan).finish()
    let renamed = try TorchFile(path).tensors
    let original = try TorchFile(fixture.path).tensors
    #expect(renamed.map(\.name) == original.map(\.name))
    #expect(renamed.map(\.contents) == original.map(\.contents))
  }

  @Test func aDamagedTensorIsNoticed() throws {
    var bytes = try ContainerFixture("torch/views.pt").bytes
    let clean = try TorchFile(OwnedBytes(copying: bytes), name: "t.pt")
    let place = try #require(clean.checksums.first { $0.name == "views/data/0" }).region.range
    bytes[place.lowerBound] ^= 1
    let file = try TorchFile(OwnedBytes(copying: bytes), name: "t.pt")
    let problem = try #require(throws: Problem.self) {
      for checksum in file.checksums { try checksum.check() }
    }
    #expect(problem.what == "the entry views/data/0 of the archive is damaged")
  }

  @Test(arguments: ["legacy-types", "legacy-views", "legacy-protocol5", "training", "deflated"])
  func damagedFilesAreReadWithinBoundsOrRefused(_ name: String) throws {
    let bytes = try ContainerFixture("torch/\(name).pt").bytes
    Mutations.forEach(of: bytes, count: 3000) { damaged, seed in
      guard let file = try? TorchFile(OwnedBytes(copying: damaged), name: "t.pt") else { return }
      let views = file.tensors.filter { !($0.region.storage is OwnedBytes) }
      #expect(views.reduce(0) { $0 + $1.byteCount } <= 1032 * damaged.count, "seed \(seed)")
      for tensor in file.tensors where (try? tensor.region.storage.check(onlyRead: false)) != nil {
        #expect(tensor.contents.count == tensor.byteCount)
      }
    }
  }
}
