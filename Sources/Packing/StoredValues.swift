import Tensors

/// The values of stored elements as F32, whether they are stored one by one or in blocks.
public enum StoredValues {
  /// Loads a run of elements, before any scale beside the tensor is applied.
  /// - Parameters:
  ///   - bytes: whole elements or whole blocks, the first of which starts the count.
  ///   - values: room for the run.
  /// - Precondition: `type.isComputable`, or `isScaled`.
  /// - Cost: a run that begins or ends inside a block decodes the whole of it.
  public static func load(
    _ bytes: UnsafeRawBufferPointer, _ run: Range<Int>, _ type: ScalarType,
    into values: UnsafeMutablePointer<Float>
  ) {
    guard type.isBlock else { return FloatBits.load(bytes, run, type, into: values) }
    guard let format = BlockFormats.format(of: type), let start = bytes.baseAddress else {
      preconditionFailure("\(type.rawValue) holds no weights")
    }
    precondition(run.upperBound <= bytes.count / type.unit.bytes * type.unit.elements)
    format.load(start, run, into: values)
  }

  /// How blocks of a type are packed; nil for a type without blocks and for those that hold no weights.
  public static func scheme(of type: ScalarType) -> PackingScheme? {
    BlockFormats.format(of: type)?.scheme
  }

  /// Whether values can be rounded to a type.
  public static func canStore(_ type: ScalarType) -> Bool {
    type.isFloat || BlockFormats.encoder(of: type) != nil
  }

  /// Rounds values into whole blocks.
  /// - Parameters:
  ///   - values: as many as the blocks hold.
  ///   - place: room for the blocks.
  /// - Returns: what rounding made of them.
  /// - Precondition: `canStore(type)`, and it is a block type.
  public static func store(
    _ values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawPointer,
    _ type: ScalarType
  ) -> Rounding {
    guard let encoder = BlockFormats.encoder(of: type) else {
      preconditionFailure("\(type.rawValue) is not written")
    }
    return encoder.store(values, blocks: count, to: place)
  }
}
