import Containers
import Foundation
import GraftTestSupport
import Opening
import Threads

@testable import Conversion

extension MessageSection {
  /// Outputs and the parts of them.
  static let outputs = MessageSection(
    "Outputs",
    [
      .init("a second process with the same output") { shop in
        let path = shop.folder.path.appending("out")
        let first = try OutputDirectory(at: path, overwrite: false, inputs: [], use: .alone)
        defer { first.abort() }
        return try shop.thrown {
          try OutputDirectory(at: path, overwrite: false, inputs: [], use: .alone)
        }
      },
      .init("an output in which the source lies") { shop in
        try shop.model("options/gdn-small")
        return try shop.shell(
          "mkdir around; mv model around/model; graft convert around/model around --overwrite")
      },
      .init("an output that exists") { shop in
        try shop.file("out", [])
        return try shop.graft("convert", "fixtures/options/gdn-small", "out")
      },
      .init("something else in place of the output") { shop in
        try shop.file("out", [])
        return try shop.graft("convert", "fixtures/options/gdn-small", "out", "--overwrite")
      },
      .init("a directory for the output that is not there") {
        try $0.graft("convert", "fixtures/options/gdn-small", "nowhere/out")
      },
      .init("no name for the output") {
        try $0.graft("convert", "fixtures/options/gdn-small", "..")
      },
      .init("an output that would remove its input") { shop in
        try shop.model("options/gdn-small")
        return try shop.graft("convert", "model", ".", "--overwrite")
      },
      .init("directories in the output") { shop in
        try shop.model("options/gdn-small")
        return try shop.shell(
          "mkdir -p out/mine && graft convert model out --overwrite")
      },
      .init("the source as the output") { shop in
        try shop.model("options/gdn-small")
        return try shop.graft("convert", "model", "model", "--overwrite")
      },
      .init("a link in place of the output") {
        try $0.shell("ln -s . out; graft convert fixtures/options/gdn-small out --overwrite")
      },
      .init("files of somebody in the output") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out -q
          : > out/thesis.tex
          graft convert fixtures/options/gdn-small out --overwrite
          """)
      },
      .init("logits in place of something else") {
        try $0.shell(
          """
          echo 1 2 3 > tokens.txt; : > notes
          graft logits fixtures/options/gdn-small --tokens tokens.txt --output notes --overwrite
          """)
      },
      .init("a limit on the size of files") {
        try $0.shell("ulimit -f 8; graft convert fixtures/options/gdn-small out")
      },
      .init("finishing what was not begun") {
        try $0.graft("convert", "fixtures/options/gdn-small", "out", "--finish")
      },
      .init("finishing without all parts") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/2 -q
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --finish
          """)
      },
      .init("parts with other options") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/2 -q
          graft convert fixtures/options/gdn-small out --max-shard-size 30KB --part 2/2
          """)
      },
      .init("a part that was changed") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/1 -q
          for file in out.graft-partial/out/model-00001-*; do : > "$file"; done
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --finish
          """)
      },
      .init("a part in which a file was not finished") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/1 -q -j 1
          sed -i '$d' out.graft-partial/journal-1-of-1.jsonl
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --finish
          """)
      },
      .init("something else under the name of the unfinished output") {
        try $0.shell(": > out.graft-partial; graft convert fixtures/options/gdn-small out")
      },
      .init("a link in the unfinished output") {
        try $0.shell(
          """
          umask 022; mkdir out.graft-partial; ln -s . out.graft-partial/out
          graft convert fixtures/options/gdn-small out
          """)
      },
      .init("an unfinished output into which others may write") {
        try $0.shell(
          """
          mkdir out.graft-partial; chmod 777 out.graft-partial
          graft convert fixtures/options/gdn-small out
          """)
      },
      .init("a second process with the same part") { shop in
        let path = shop.folder.path.appending("journal-1-of-2.jsonl")
        let first = try AppendedFile(path)
        return try withExtendedLifetime(first) { try shop.thrown { try AppendedFile(path) } }
      },
      .init("a source that was removed meanwhile") { shop in
        let source = try OpenedModel(shop.model("options/gdn-small"), catalogue: .builtIn())
        let plan = try CheckpointPlan(
          converting: source, to: source.layout, options: ConversionOptions())
        try FileManager.default.removeItem(atPath: source.checkpoint.configPath.string)
        return try shop.thrown {
          var options = try WriteOptions(catalogue: .builtIn(), version: "0")
          options.request = [:]
          return try plan.write(to: shop.folder.path.appending("made"), options)
        }
      },
      .init("an output that does not hold what was written") { shop in
        let source = try OpenedModel(Fixtures.path("options/gdn-small"), catalogue: .builtIn())
        let plan = try CheckpointPlan(
          converting: source, to: source.layout, options: ConversionOptions())
        let options = try WriteOptions(catalogue: .builtIn(), version: "0")
        _ = try plan.write(to: shop.folder.path.appending("made"), options)
        let copy = try shop.copied("made")
        try copy.editWeights { $0["lm_head.weight"]?.bytes[0] ^= 1 }
        let output = try OpenedModel(copy.path, catalogue: .builtIn())
        return try shop.thrown {
          try ConversionRecord(plan, of: output, "0", ThreadPool(threads: 1))
        }
      },
    ])
}
