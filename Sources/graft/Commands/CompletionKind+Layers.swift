import ArgumentParser
import Opening
import Splicing
import SystemPackage

extension CompletionKind {
  /// The layers of the checkpoint on the command line that can be replaced, after those that are listed
  /// already, and the words that stand for several.
  static var layers: CompletionKind {
    .custom { words, index, _ in
      let current = words.indices.contains(index) ? words[index] : ""
      let listed = current.lastIndex(of: ",").map { String(current[...$0]) } ?? ""
      let layers = replaceable(words).map { listed + String($0) }
      return listed.isEmpty ? layers + ["all", "auto"] : layers
    }
  }

  /// The layers that can be replaced in the first checkpoint among the words.
  private static func replaceable(_ words: [String]) -> [Int] {
    let opened = words.dropFirst(2).lazy.filter { !$0.hasPrefix("-") }.compactMap {
      try? OpenedModel(FilePath($0), catalogue: catalogue(words))
    }
    return opened.first.map { Splice.replaceable(in: $0.configuration) } ?? []
  }
}
