import Tensors

/// Which stored tensors those of a binding are: names are looked up once, and all that is asked of the tensors later
/// is asked by their places.
public struct FoundTensors: Sendable {
  /// The place of each tensor of the binding; nil where it is missing, or where several make it up.
  private let places: [Int?]
  /// Whether everything that the layout asks for is stored.
  public let isComplete: Bool
  /// Whether no stored tensor is asked for twice.
  let areDistinct: Bool

  /// Looks for the tensors of a binding among what is stored.
  /// - Cost: a hash of each name.
  public init(_ binding: LayoutBinding, in stored: StoredHeaders) {
    var (isComplete, areDistinct) = (true, true)
    var isFound = Array(repeating: false, count: stored.count)
    func find(_ name: String) -> Int? {
      guard let place = stored.place(of: name) else {
        isComplete = false
        return nil
      }
      areDistinct = areDistinct && !isFound[place]
      isFound[place] = true
      return place
    }
    places = binding.tensors.map { tensor in
      if tensor.isOnePiece { return find(tensor.name) }
      for piece in tensor.pieces { _ = find(piece) }
      return nil
    }
    self.isComplete = isComplete
    self.areDistinct = isComplete && areDistinct
  }

  /// The place of the stored tensor that is a tensor of the binding.
  public subscript(index: Int) -> Int? { places[index] }
}
