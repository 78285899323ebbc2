import Canonical

extension Layout {
  /// What a user of the layout's own library should know of a model that is written in it.
  /// - Parameter widened: the number of tensors that are stored in a wider type than they came in.
  public func notes(_ configuration: ModelConfiguration, widened: Int) -> [String] {
    let layers = configuration.factsByLayer
    return notes.compactMap { $0.line(layers, widened: widened) }
  }
}
