import JSON

/// How one library packs weights: how it names the parts of one, and what its config says of them.
public protocol PackingMethod: Sendable {
  /// The ends of names that stand once at each weight that is packed this way, such as `.qweight`.
  static var anchors: [String] { get }

  /// The method as a checkpoint uses it.
  /// - Parameter claim: the object of the config, or of a file beside it, that describes the
  ///   quantisation; nil where there is none, so that the tensors alone must tell.
  /// - Throws: `Problem` of kind `invalid` for a claim that cannot be, and of kind `unsupported` for
  ///   an option that is not read.
  init(claim: JSONValue?) throws

  /// The packed weight of a module; nil where its parts are those of another method.
  /// - Parameters:
  ///   - module: the stored name without the anchor.
  ///   - anchor: the end that was found.
  ///   - part: the stored tensor whose name is that of the module with this end.
  /// - Throws: `Problem` where parts are missing, or do not fit each other or the claim.
  func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
}
