import Canonical
import Layouts

/// In which form decay rates are stored, tensor by tensor, as far as their values tell.
package struct DecayForms: Sendable {
  /// The form in which they are read.
  package let read: Assumption.DecayForm
  /// The tensors that are stored in the other form.
  package let misread: [CanonicalTensor]
  /// Whether some tensors are stored in one form and some in the other.
  package let isMixed: Bool

  /// Looks at all decay rates of a model.
  ///
  /// Values that may be either are what brings them nearer to those that are certainly misread, where
  /// those of no layer are certainly right.
  /// - Cost: reads them, a few kilobytes.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  package init(_ model: CanonicalModel) throws {
    let tensors = model.tensors(of: Self.roles).filter(\.type.isComputable)
      .sorted { $0.origin < $1.origin }
    let read: Assumption.DecayForm =
      tensors.contains { $0.steps.contains(.negexp) } ? .negexp : .log
    let stored = try tensors.map { (tensor: $0, values: DecayValues(try $0.storedFloats())) }
    let wrong = stored.filter { $0.values.form == read.other }
    let rates = wrong.map { $0.values.rate(in: read.other) }.sorted()
    // Where another layer is stored in the right form for certain, those that may be either are, too.
    let isWhole = !wrong.isEmpty && !stored.contains { $0.values.form == read }
    misread = stored.filter { one in
      one.values.form == read.other
        || isWhole && one.values.nearer(to: rates[rates.count / 2]) == read.other
    }.map(\.tensor)
    isMixed = !misread.isEmpty && misread.count < tensors.count
    self.read = read
  }

  /// The roles of decay rates.
  package static let roles = RoleTable.names(showing: .decay)

  /// The form that a layout has, whatever the user says of values.
  /// - Throws: `Problem` where the layout does not hold such a model.
  package static func due(in layout: Layout, _ configuration: ModelConfiguration) throws
    -> Assumption.DecayForm
  {
    let parts = try LayoutBinding(layout, configuration).tensors.flatMap(\.parts)
    return parts.contains { roles.contains($0.role.name) && $0.steps.contains(.negexp) }
      ? .negexp : .log
  }
}

extension Assumption.DecayForm {
  /// The other form.
  package var other: Self { self == .log ? .negexp : .log }
}

/// The stored decay rates of one layer.
private struct DecayValues {
  private let values: [Float]

  init(_ values: [Float]) { self.values = values.sorted() }

  /// The form that alone explains the values; nil where both do, or none.
  var form: Assumption.DecayForm? {
    guard let least = values.first, let most = values.last, least.isFinite, most.isFinite else {
      return nil
    }
    if most < 0 { return least < ValueSign.smallestLogarithm ? .negexp : nil }
    let isLogarithm =
      least >= ValueSign.smallestLogarithm && most <= Self.largestLogarithm
      && values[values.count / 2] >= 0
    return isLogarithm ? .log : nil
  }

  /// The logarithm of the rate in the middle, read in a form.
  func rate(in form: Assumption.DecayForm) -> Float {
    let middle = values[values.count / 2]
    return form == .log ? middle : ValueStep.negexp.undo(middle)
  }

  /// Of values that may be either, the form in which they are nearer to the usual rate; nil where they
  /// are neither.
  func nearer(to usual: Float) -> Assumption.DecayForm? {
    guard let least = values.first, let most = values.last, most < 0,
      least >= ValueSign.smallestLogarithm
    else { return nil }
    return abs(rate(in: .log) - usual) <= abs(rate(in: .negexp) - usual) ? .log : .negexp
  }

  /// A head with a larger one would forget everything from one token to the next.
  private static let largestLogarithm: Float = 12
}

extension CanonicalTensor {
  /// The values as they are stored, in canonical order.
  fileprivate func storedFloats() throws -> [Float] {
    try CanonicalTensor(
      shape: shape, type: type, region: region, view: view, origin: origin
    ).floats()
  }
}
