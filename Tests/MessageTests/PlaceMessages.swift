import Foundation
import GraftTestSupport
import SystemPackage

extension MessageSection {
  /// Paths and directories of weights.
  static let places = MessageSection(
    "Paths and directories",
    [
      .init("a path that is not there") { try $0.graft("inspect", "nowhere") },
      .init("a file that holds no weights") { shop in
        try shop.file("notes.txt", "notes".utf8)
        return try shop.graft("inspect", "notes.txt")
      },
      .init("a name that is not UTF-8") {
        try $0.shell(#"graft inspect "$(printf 'model\377')""#)
      },
      .init("weights under names that are not UTF-8") {
        try $0.shell(#"mkdir m; : > "m/$(printf 'model\377.safetensors')"; graft inspect m"#)
      },
      .init("a device") { try $0.graft("inspect", "/dev/null") },
      .init("a directory without weights") { shop in
        try shop.model("options/gdn-small") { try $0.remove("model.safetensors") }
        try? FileManager.default.removeItem(
          atPath: shop.folder.path.appending("model/reference.safetensors").string)
        return try shop.graft("inspect", "model")
      },
      .init("a directory with weights of other names only") {
        try $0.opened("options/gdn-small") { try $0.remove("model.safetensors") }
      },
      .init("weights in several containers") {
        try $0.opened("options/gdn-small") {
          for name in ["model.safetensors", "reference.safetensors"] { try $0.remove(name) }
          try $0.write("pytorch_model.bin", [])
          try $0.write("weights.npz", [])
        }
      },
      .init("a link that leads nowhere") {
        try $0.opened("options/gdn-small") {
          try $0.remove("model.safetensors")
          try FileManager.default.createSymbolicLink(
            atPath: $0.path.appending("model.safetensors").string, withDestinationPath: "gone")
        }
      },
      .init("a link beside the weights that leads nowhere") {
        try $0.opened("options/gdn-small") {
          try FileManager.default.createSymbolicLink(
            atPath: $0.path.appending("tokenizer.json").string, withDestinationPath: "gone")
        }
      },
      .init("shards without an index and a single file") {
        try $0.opened("options/f32-sharded") {
          try $0.remove("model.safetensors.index.json")
          try $0.write("model.safetensors", $0.bytes("model-00002-of-00005.safetensors"))
        }
      },
    ])
}
