/// Something that bytes must fulfil and that costs reading them.
public protocol PayloadCheck: Sendable {
  /// Whether whoever reads the bytes checks them on the way.
  var isTakenByReading: Bool { get }

  /// Checks the bytes.
  /// - Throws: `Problem` of kind `invalid` where they are not as they should be.
  func check() throws

  /// Checks bytes of which some were read; does nothing for others.
  /// - Throws: `Problem` of kind `invalid` where they are not as they should be.
  func checkRead() throws
}

extension PayloadCheck {
  /// No: somebody must ask for it.
  public var isTakenByReading: Bool { false }

  /// Does nothing: what was read is not known.
  public func checkRead() throws {}
}
