import ArgumentParser
import Layouts

extension CompletionKind {
  /// The ids of layouts; the shell asks the tool for them, so that other runs do not wait.
  static var layouts: CompletionKind {
    .custom { _, _, _ in (try? LayoutsInEffect.catalogue(nil).ids) ?? [] }
  }
}
