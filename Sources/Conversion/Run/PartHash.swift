import Canonical
import Layouts
import Opening
import Tensors

/// The hash of one canonical tensor, whose elements lie in a stored tensor in their order.
struct PartHash {
  /// What the tensor is.
  let role: Role
  /// Whether it is the whole stored tensor.
  let isWhole: Bool
  private let pairing: PairedView
  private let span: Range<Int>
  private let width: Int
  private var hash = RunHash()

  /// Nil if the elements do not lie in canonical order.
  /// - Parameters:
  ///   - view: where they lie in the stored tensor.
  ///   - count: the number of elements of the stored tensor.
  init?(_ role: Role, _ shape: [Int], at view: StridedView, of count: Int, width: Int) {
    let canonical = StridedView(contiguous: shape)
    pairing = PairedView(source: canonical, target: view)
    guard pairing.isMonotonic else { return nil }
    isWhole = view.simplified == canonical.simplified && TensorShape.elementCount(shape) == count
    span = pairing.targetSpan
    (self.role, self.width) = (role, width)
  }

  /// Nil also if their hash is not that of the stored bytes.
  init?(_ part: BoundPart, of tensor: CheckpointPlan.Tensor) {
    guard part.shape.count > 1, part.rows == nil, part.steps.isEmpty,
      let width = tensor.type.byteWidth, let count = TensorShape.elementCount(tensor.shape)
    else { return nil }
    self.init(part.role, part.shape, at: part.view, of: count, width: width)
  }

  /// Adds what lies in a piece of the stored tensor, beside the hash of the whole.
  mutating func add(
    _ bytes: UnsafeRawBufferPointer, at position: Int, beside whole: inout PendingHash
  ) {
    let end = position + bytes.count
    let window = position / width..<(end + width - 1) / width
    guard !isWhole, window.overlaps(span) else { return }
    pairing.forEachRun(in: window) { _, target, count in
      let run = max(target * width, position)..<min((target + count) * width, end)
      hash.update(
        .init(rebasing: bytes[run.lowerBound - position..<run.upperBound - position])
      ) { whole.add($1, to: &$0) }
    }
  }

  /// The hash of all pieces; that of the stored tensor where it is the whole.
  func finish(whole: String) -> String {
    guard !isWhole else { return whole }
    var hash = hash
    return hash.finish()
  }
}
