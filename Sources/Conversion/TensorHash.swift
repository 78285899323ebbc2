import Canonical
import Containers
import Crypto
import Tensors

/// SHA-256 of tensors, as lower-case hexadecimal digits.
enum TensorHash {
  /// The hash of stored bytes.
  /// - Cost: one pass over the bytes.
  static func stored(_ region: ByteRegion) -> String {
    var hash = SHA256()
    region.withBytes { hash.update(bufferPointer: $0) }
    return hex(hash.finalize())
  }

  /// The hash of some text.
  static func text(_ bytes: [UInt8]) -> String { hex(SHA256.hash(data: bytes)) }

  /// The hash of the canonical form, which is the same in every layout.
  ///
  /// Matrices are hashed in their stored type and in canonical order. Vectors, whose values layouts
  /// store differently, are hashed as F32: norms as what they multiply with, decay rates as `A_log`.
  /// - Cost: one pass over the elements; memory for one buffer.
  static func canonical(_ tensor: CanonicalTensor, isZeroCentred: Bool) -> String {
    if tensor.shape.count > 1, tensor.steps.isEmpty, let width = tensor.type.byteWidth {
      return elements(tensor, width: width)
    }
    return values(tensor, plus: isZeroCentred ? 1 : 0)
  }

  /// Whether the canonical form is that of the stored bytes.
  static func isStoredForm(_ tensor: CanonicalTensor) -> Bool {
    tensor.shape.count > 1 && tensor.steps.isEmpty && tensor.type.byteWidth != nil
      && tensor.view.simplified == StridedView(contiguous: tensor.shape)
      && tensor.region.count == TensorShape.byteCount(tensor.shape, tensor.type)
  }

  private static func elements(_ tensor: CanonicalTensor, width: Int) -> String {
    var hash = SHA256()
    let pairing = PairedView(
      source: tensor.view, target: StridedView(contiguous: tensor.shape))
    let gathered = OwnedBytes(count: bufferSize)
    var filled = 0
    tensor.region.withBytes { bytes in
      pairing.forEachRun { source, _, count in
        let run = bytes[(source * width)..<((source + count) * width)]
        if filled + run.count > bufferSize {
          hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: gathered.bytes[..<filled]))
          filled = 0
        }
        if run.count > bufferSize { return hash.update(bufferPointer: .init(rebasing: run)) }
        UnsafeMutableRawBufferPointer(rebasing: gathered.mutableBytes[filled...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: run))
        filled += run.count
      }
    }
    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: gathered.bytes[..<filled]))
    return hex(hash.finalize())
  }

  private static let bufferSize = 1 << 18

  private static func values(_ tensor: CanonicalTensor, plus constant: Float) -> String {
    guard tensor.type.isComputable else { return stored(tensor.region) }
    var hash = SHA256()
    let values = tensor.floats().map { constant == 0 ? $0 : $0 + constant }
    values.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return hex(hash.finalize())
  }

  /// Bytes as lower-case hexadecimal digits.
  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The bytes that hexadecimal digits stand for; nil for other text.
  static func bytes(_ hex: String) -> [UInt8]? {
    let digits = hex.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) }
    guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map {
      (digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)
    }
  }
}
