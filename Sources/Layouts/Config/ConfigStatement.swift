import JSON

/// What the config of a checkpoint says of its tensors.
public struct ConfigStatement: Sendable {
  /// The config; nil where there is none.
  let json: JSONValue?
  /// The number of layers of the model.
  let layers: Int
  /// The quantisation that it announces.
  let quantisation: Quantisation?

  /// What a config says.
  public init(_ json: JSONValue?, layers: Int, quantisation: Quantisation?) {
    (self.json, self.layers, self.quantisation) = (json, layers, quantisation)
  }

  /// Nothing, as where tensors come without a config.
  public static let none = ConfigStatement(nil, layers: .max, quantisation: nil)
}
