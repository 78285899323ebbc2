/// A form of a layout that a checkpoint may have; so far only the part of its file that recognises
/// checkpoints has been read.
public struct LayoutCandidate: Sendable {
  private let outline: LayoutOutline
  private let evidence: [String]

  init(_ outline: LayoutOutline, evidence: [String]) {
    (self.outline, self.evidence) = (outline, evidence)
  }

  /// The id of the layout.
  public var id: String { outline.id }

  /// The layout and what speaks for it.
  /// - Throws: `Problem` of kind `invalid` for anything its file should not say.
  /// - Cost: reads the layout file once.
  public func read() throws -> LayoutEvidence {
    LayoutEvidence(layout: try outline.layout(), evidence: evidence)
  }
}
