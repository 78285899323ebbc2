/// The checksums of the parts of some bytes that were read.
struct KnownSums {
  /// Bytes side by side and their checksum.
  struct Piece {
    var range: Range<Int>
    var sum: UInt32
  }

  /// From the first bytes on; no two touch.
  private(set) var pieces: [Piece] = []
  /// Whether so many parts were read that they are no longer kept apart, and all is read again for its sum.
  private(set) var isScattered = false
  /// Whether anything was read.
  private(set) var hasRead = false

  private static let most = 256

  /// What the sum of a range goes on from: the piece before it, which is taken out meanwhile.
  /// - Returns: nil for bytes of which some are known.
  mutating func begin(_ range: Range<Int>) -> Piece? {
    hasRead = true
    guard !isScattered, !range.isEmpty else { return nil }
    let place = place(of: range.lowerBound)
    if place < pieces.count, pieces[place].range.lowerBound < range.upperBound { return nil }
    guard place > 0 else { return Piece(range: range.lowerBound..<range.lowerBound, sum: 0) }
    let before = pieces[place - 1].range.upperBound
    if before > range.lowerBound { return nil }
    return before == range.lowerBound
      ? pieces.remove(at: place - 1) : Piece(range: range.lowerBound..<range.lowerBound, sum: 0)
  }

  /// Puts a piece where it belongs, together with those that it touches; drops it where another thread has
  /// read some of it meanwhile.
  /// - Returns: the checksum of all bytes, once it is known.
  mutating func end(_ piece: Piece, of count: Int) -> UInt32? {
    var (piece, place) = (piece, place(of: piece.range.lowerBound))
    let isFree =
      (place == 0 || pieces[place - 1].range.upperBound <= piece.range.lowerBound)
      && (place == pieces.count || pieces[place].range.lowerBound >= piece.range.upperBound)
    guard isFree, !isScattered else { return nil }
    if place < pieces.count, pieces[place].range.lowerBound == piece.range.upperBound {
      piece = Self.joined(piece, pieces.remove(at: place))
    }
    if place > 0, pieces[place - 1].range.upperBound == piece.range.lowerBound {
      place -= 1
      piece = Self.joined(pieces.remove(at: place), piece)
    }
    pieces.insert(piece, at: place)
    if pieces.count > Self.most { (pieces, isScattered) = ([], true) }
    return piece.range == 0..<count ? piece.sum : nil
  }

  private static func joined(_ first: Piece, _ second: Piece) -> Piece {
    Piece(
      range: first.range.lowerBound..<second.range.upperBound,
      sum: Checksum.joined(first.sum, second.sum, count: second.range.count))
  }

  /// The first piece that begins at a position or behind it.
  private func place(of position: Int) -> Int {
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].range.lowerBound < position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
