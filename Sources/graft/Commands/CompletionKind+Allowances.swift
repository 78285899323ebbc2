import ArgumentParser

extension CompletionKind {
  /// What `--allow` takes, after what is listed already.
  static var allowances: CompletionKind {
    .custom { words, index, _ in
      let current = words.indices.contains(index) ? words[index] : ""
      let listed = current.lastIndex(of: ",").map { String(current[...$0]) } ?? ""
      let known = Set(listed.split(separator: ",").map(String.init))
      return Allowance.allCases.map(\.rawValue).filter { !known.contains($0) }.map { listed + $0 }
    }
  }
}
