import Diagnostics
import Tensors

/// What a conversion changes besides the layout.
public struct ConversionOptions: Sendable {
  /// The type for all tensors that may be cast; nil keeps each type.
  public var cast: ScalarType?
  /// Types, nil to keep, for tensors whose stored name matches a pattern; the last match counts.
  public var overrides: [(pattern: NamePattern, type: ScalarType?)] = []
  /// The most tensor bytes in one file; nil for one file.
  public var maximumShardSize: Int?
  /// Whether casts may change values.
  public var allowsLoss = false

  /// Keeps everything as it is, in one file.
  public init() {}

  func cast(for name: String) -> ScalarType? {
    guard let override = overrides.last(where: { $0.pattern.matches(name) }) else { return cast }
    return override.type
  }
}

/// A stored name in which `*` stands for any text.
public struct NamePattern: Hashable, Sendable {
  private let pieces: [String]

  /// A pattern as written on the command line.
  public init(_ text: String) {
    pieces = text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
  }

  /// Whether a name is of this form.
  public func matches(_ name: String) -> Bool {
    guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else {
      return name == pieces.first
    }
    guard name.hasPrefix(first), name.hasSuffix(last), name.count >= first.count + last.count
    else { return false }
    var rest = name.dropFirst(first.count).dropLast(last.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let found = rest.firstRange(of: piece) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}
