import Tensors

/// The type and shape of stored tensors by name.
public typealias StoredHeaders = [String: (type: ScalarType, shape: [Int])]
