import Layouts
import Opening
import Tensors

extension OpenedModel {
  /// The layout to convert to, in a form or else in that of the model, now or before, where it is
  /// written.
  /// - Parameter cast: the type asked for all tensors, which decides whether weights stay quantised.
  /// - Throws: `Problem` of kind `usage` for an id or a form nobody knows or writes.
  public func target(
    _ id: String, form: String? = nil, cast: ScalarType? = nil, in catalogue: LayoutCatalogue
  ) throws -> Layout {
    if form == nil, id == layout.id, layout.variant.isWritten { return layout }
    let former = form == nil ? ModelHistory(of: checkpoint)?.origin(id)?.form : nil
    let known = former.flatMap { $0.isEmpty ? nil : try? catalogue.layout(id, form: $0) }
    return try known
      ?? catalogue.layout(id, form: form, quantised: quantisation != nil && cast == nil)
  }
}
