/// A recognised layout and what speaks for it.
public struct LayoutEvidence: Sendable {
  /// The layout.
  public let layout: Layout
  /// What was seen, one clause each.
  public let evidence: [String]

  /// A layout and what speaks for it.
  public init(layout: Layout, evidence: [String]) {
    self.layout = layout
    self.evidence = evidence
  }

  /// The layout with one more clause for it.
  public func adding(_ clause: String) -> LayoutEvidence {
    LayoutEvidence(layout: layout, evidence: evidence + [clause])
  }
}
