/// The largest numbers that a configuration may hold.
enum Largest {
  /// The largest head count, head dim or width; keeps products of three inside an `Int`.
  static let extent = 1 << 20
  /// The largest vocabulary or position count.
  static let count = 1 << 40
}
