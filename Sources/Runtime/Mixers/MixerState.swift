/// What the mixer of one layer carries from one segment of a sequence to the next.
protocol MixerState: AnyObject {
  /// A state of its own that holds what the first `position` positions left.
  /// - Throws: `Problem` of kind `io` where memory is short.
  func copy(position: Int) throws -> Self

  /// Goes back to the empty sequence, without new memory.
  func reset()

  /// The memory at full capacity.
  /// - Units: bytes.
  var byteCount: Int { get }
}
