import Diagnostics

extension ModelConfiguration {
  /// Refuses a model with a mixer that is only carried, before anything is computed.
  /// - Throws: `Problem` of kind `unsupported` with the first such layer.
  public func checkMixers() throws {
    guard let layer = layers.firstIndex(where: { !$0.mixer.isComputed }) else { return }
    let kinds = Mixer.known.map(\.kind)
    throw Problem(
      .unsupported, "Graft does not compute this kind of mixer", layer: layer,
      expected: kinds.dropLast().joined(separator: ", ") + " or " + (kinds.last ?? ""),
      found: layers[layer].mixer.kind,
      remedy: "inspect and convert it; nothing here can run it")
  }
}
