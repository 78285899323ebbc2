import Canonical
import Tensors

/// A canonical tensor on its way to the places that its elements have in a stored one.
package struct MovedPart: Sendable {
  /// The tensor as it is read.
  package let source: CanonicalTensor
  /// Where each element comes from and goes to.
  package let pairing: PairedView
  /// Steps applied to canonical values when they are written.
  package let steps: [ValueStep]

  /// A tensor whose elements go to the places of a view.
  package init(_ source: CanonicalTensor, to view: StridedView, steps: [ValueStep] = []) {
    self.source = source
    self.steps = steps
    pairing = PairedView(source: source.view, target: view)
  }
}
