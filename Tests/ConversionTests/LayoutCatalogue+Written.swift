import Layouts

extension LayoutCatalogue {
  /// The ids of the built-in layouts in which models are written, and not only inspected.
  static let writtenIDs: [String] =
    (try? builtIn())?.ids.filter { id in
      (try? builtIn().layout(id).inspectOnly) == .some(nil)
    } ?? []
}
