import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What lies beside the weights: it travels, whatever way it is stored.
@Suite struct TravellingFileTests {
  private let checkpoint: EditableCheckpoint
  private var out: FilePath { checkpoint.beside("out") }

  init() throws { checkpoint = try EditableCheckpoint("options/gdn-small") }

  private func mode(_ path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
  }

  @Test(arguments: ["convert", "splice"])
  func filesTravelWithTheirBytesButNotTheirMode(_ verb: String) throws {
    let tokenizer = try checkpoint.write("tokenizer.json", "{\"a\": \"\u{e9}\"}".utf8)
    try checkpoint.write(".gitattributes", "*.bin filter=lfs".utf8)
    try checkpoint.write("empty.txt", [])
    let elsewhere = try checkpoint.folder.write("real.jinja", "template".utf8)
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.path.appending("chat_template.jinja").string,
      withDestinationPath: elsewhere.string)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o600], ofItemAtPath: tokenizer.string)
    let options = verb == "splice" ? ["--layer", "0"] : []
    let result = try GraftCommand.run(
      [verb, checkpoint.path.string, out.string, "--json"] + options)
    expectSuccess(result)
    let listed = try result.json()["sidecars"]?.array?.compactMap(\.string) ?? []
    for name in ["tokenizer.json", ".gitattributes", "empty.txt", "chat_template.jinja"] {
      #expect(listed.contains(name), "\(name)")
      #expect(try Fixtures.contents(out.appending(name)) == checkpoint.bytes(name), "\(name)")
      let link = try? FileManager.default.destinationOfSymbolicLink(
        atPath: out.appending(name).string)
      #expect(link == nil, "\(name)")
    }
    let written = try mode(out.appending("config.json"))
    #expect(try mode(out.appending("tokenizer.json")) == written)
    #expect(try mode(out.appending("model.safetensors")) == written)
    #expect(written & 0o444 == 0o444)
  }

  @Test func weightsThatAreLinksOfAHubCache() throws {
    let blobs = checkpoint.beside("blobs")
    try FileManager.default.createDirectory(
      atPath: blobs.string, withIntermediateDirectories: false)
    for (name, blob) in [("model.safetensors", "3f2a"), ("config.json", "77aa")] {
      let place = checkpoint.path.appending(name).string
      try FileManager.default.moveItem(atPath: place, toPath: blobs.appending(blob).string)
      try FileManager.default.createSymbolicLink(
        atPath: place, withDestinationPath: "../blobs/\(blob)")
    }
    expectSuccess(try checkpoint.graft("inspect"))
    expectSuccess(try checkpoint.graft("verify", "--reference", checkpoint.reference))
    expectSuccess(try checkpoint.graft("convert", out.string))
    #expect(
      try Fixtures.contents(out.appending("model.safetensors"))
        == Fixtures.bytes("options/gdn-small/model.safetensors"))
    let splice = checkpoint.beside("spliced")
    expectSuccess(try checkpoint.graft("splice", splice.string, "--layer", "1"))
    #expect(
      try Fixtures.contents(blobs.appending("3f2a"))
        == Fixtures.bytes("options/gdn-small/model.safetensors"))
  }

  @Test func brokenLinksAreNamed() throws {
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.path.appending("vocab.json").string, withDestinationPath: "../blobs/none")
    try checkpoint.expectRefused(66, "missing blob", "vocab.json", "../blobs/none")
    try checkpoint.remove("vocab.json")
    try checkpoint.remove("model.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.path.appending("model.safetensors").string,
      withDestinationPath: "../blobs/none")
    try checkpoint.expectRefused(66, "model.safetensors")
  }

  @Test func aCheckpointReadThroughALinkOrARelativePath() throws {
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.beside("link").string, withDestinationPath: "model")
    for path in ["link", "model/", "./model/../model", "model/model.safetensors"] {
      let result = try GraftCommand.run(
        ["convert", path, "out"], directory: checkpoint.folder.path)
      expectSuccess(result)
      #expect(
        try Fixtures.contents(out.appending("model.safetensors"))
          == checkpoint.bytes("model.safetensors"), "\(path)")
      try FileManager.default.removeItem(atPath: out.string)
    }
    let outcome = try GraftCommand.run(
      ["convert", "model", "link", "--overwrite"], directory: checkpoint.folder.path)
    #expect(outcome.exitCode == 0 || outcome.exitCode == 73, "\(outcome)")
    expectSuccess(try checkpoint.graft("verify", "--reference", checkpoint.reference))
  }

  @Test func staleWeightFilesAreRefused() throws {
    let weights = try checkpoint.bytes("model.safetensors")
    for name in ["model-00001-of-00002.safetensors", "model.old.safetensors"] {
      try checkpoint.write(name, weights)
      try checkpoint.expectRefused(65, "model.safetensors", name)
      try checkpoint.remove(name)
    }
  }
}
