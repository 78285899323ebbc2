import Layouts
import Opening
import Tensors

extension OpenedModel {
  /// The layout to convert to, in a form or else in that of the model, now or before, where it is
  /// written.
  /// - Parameters:
  ///   - cast: the type asked for all tensors, which decides whether weights stay quantised.
  ///   - quantising: what weights will be quantised to, for which another form may be preferred.
  ///   - allowed: the kinds of tensors that may be left out, for which no form is chosen.
  /// - Throws: `Problem` of kind `usage` for an id or a form nobody knows or writes.
  public func target(
    _ id: String, form: String? = nil, cast: ScalarType? = nil,
    quantising kind: QuantisationKind? = nil, leaving allowed: Set<StrayTensor> = [],
    in catalogue: LayoutCatalogue
  ) throws -> Layout {
    let isPacked = packing != nil || checkpoint.tensors.contains { $0.type.isBlock }
    let isScaled = kind?.holder == .scaled
    if form == nil, id == layout.id, layout.form.isWritten,
      !isScaled || layout.form.isPreferred(by: layout.scales)
    {
      return layout
    }
    let former = form == nil && !isScaled ? ModelHistory(of: checkpoint)?.origin(id)?.form : nil
    let known = former.flatMap { $0.isEmpty ? nil : try? catalogue.layout(id, form: $0) }
    return try known
      ?? catalogue.layout(
        id, form: form,
        quantised: isScaled || (cast == nil && kind == nil && (quantisation != nil || isPacked)),
        sharing: sharedPrefixes(leaving: allowed), hasHead: configuration.head != .none,
        from: layout.id)
  }
}
