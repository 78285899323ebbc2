import Tensors

/// The type that was asked for a tensor.
public enum RequestedType: Hashable, Sendable {
  /// None: that of the source.
  case keep
  /// One for all tensors.
  case everywhere(ScalarType)
  /// One for this tensor.
  case byName(ScalarType)
}
