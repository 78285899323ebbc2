import Diagnostics

/// How much a layout file may hold. A layout file may come from a stranger, and some of its content is
/// processed once for every form or expert.
enum FormatLimits: Int {
  /// The bytes of a file.
  case file = 1_048_576
  /// The entries of a section.
  case entries = 4096
  /// The bytes of a prefix or a place, which stands for many others.
  case text = 256
  /// The steps of a tensor, and its axes.
  case steps = 16
  /// The forms of a layout, and the largest number that a name adds to an index.
  case forms = 32

  /// Refuses more than the limit.
  /// - Throws: `Problem` of kind `invalid`.
  static func check(_ count: Int, _ limit: FormatLimits, at place: String? = nil) throws {
    guard count > limit.rawValue else { return }
    let problem = Problem(
      .invalid, "a layout file holds too much in one place", expected: "at most \(limit.rawValue)",
      found: "\(count)")
    throw place.map { problem.located(.place($0)) } ?? problem
  }
}
