import ArgumentParser
import Layouts

/// What the shell asks the tool for, so that other runs do not wait.
extension CompletionKind {
  /// The ids of all layouts.
  static var layouts: CompletionKind {
    .custom { words, _, _ in (try? catalogue(words).ids) ?? [] }
  }

  /// What `--to` takes: the ids of layouts that are written, and what stands for those of one library.
  static var writtenLayouts: CompletionKind {
    .custom { words, _, _ in
      guard let catalogue = try? catalogue(words) else { return [] }
      let ids = (try? catalogue.writtenIDs) ?? []
      return ids + catalogue.libraries
    }
  }

  /// The forms that are written: those of the layout behind `--to`, else those of all.
  static var forms: CompletionKind {
    .custom { words, _, _ in
      let id = value(of: "--to", in: words)
      let outlines = (try? catalogue(words).outlines) ?? []
      let forms = outlines.filter { id == nil || $0.id == id }.map(\.form)
      let names = forms.filter { $0.isWritten && $0.modelClass == .language }.map(\.name)
      return Set(names).filter { !$0.isEmpty }.sorted().map(quoted)
    }
  }

  /// A name of several words as bash needs it on a line; other shells quote by themselves.
  private static func quoted(_ name: String) -> String {
    CompletionShell.requesting == .bash ? name.replacing(" ", with: "\\\\ ") : name
  }

  /// The catalogue of a command line that is not finished.
  static func catalogue(_ words: [String]) throws -> LayoutCatalogue {
    try LayoutsInEffect.catalogue(value(of: "--formats", in: words))
  }

  /// What follows an option on a command line that is not finished.
  private static func value(of option: String, in words: [String]) -> String? {
    guard let index = words.firstIndex(of: option) else { return nil }
    return words[(index + 1)...].first { $0 != "=" }
  }
}
