import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

/// A file that becomes shorter while it is mapped ends no process and does not go unnoticed.
@Suite struct ShorteningTests {
  @Test func missingBytesAreZerosAndAreReported() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path.appending("weights")
    try Data(repeating: 7, count: 1 << 20).write(to: URL(fileURLWithPath: path.string))
    do {
      let file = try MappedFile(path)
      #expect(file.bytes[1 << 19] == 7)
      try Shortening.check(in: folder.path)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
      try handle.truncate(atOffset: 4096)
      #expect(file.bytes[100] == 7)
      try Shortening.check(in: folder.path)
      #expect(file.bytes[(1 << 20) - 1] == 0)
      #expect(throws: Problem.self) { try Shortening.check(in: folder.path) }
    }
    #expect(throws: Problem.self, "also when it is no longer mapped") {
      try Shortening.check(in: folder.path)
    }
    try Shortening.check(in: folder.path.appending("elsewhere"))
  }
}
