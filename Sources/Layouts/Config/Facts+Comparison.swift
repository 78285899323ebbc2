import Canonical

extension Facts {
  /// Whether every fact here has the same value there.
  func agree(with facts: Facts) -> Bool {
    allSatisfy { $1.means(facts[$0] ?? .none) }
  }

  /// The names of the facts here that have another value there.
  func disagreements(with facts: Facts) -> Set<String> {
    Set(filter { !$0.value.means(facts[$0.key] ?? .none) }.keys)
  }

  /// How far other facts are from these: another mixer first, then the number of differences.
  func distance(to facts: Facts) -> (Int, Int) {
    let names = disagreements(with: facts)
    return (names.contains("mixer") ? 1 : 0, names.count)
  }

  /// The facts of some names only.
  func only(_ names: Set<String>) -> Facts { filter { names.contains($0.key) } }

  /// Names and values in a line.
  var summary: String {
    sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }.joined(separator: ", ")
  }
}
