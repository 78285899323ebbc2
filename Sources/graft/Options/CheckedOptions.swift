import ArgumentParser

/// Options that have to fit each other.
///
/// They are checked after each option is known to be one: who mistypes an option wants to hear of that,
/// and not that the option is missing.
protocol CheckedOptions: ParsableArguments {
  /// Checks options against each other.
  /// - Throws: `ValidationError`.
  func checkOptions() throws
}

extension CheckedOptions {
  func validate() throws {
    if OptionChecks.areDone { try checkOptions() }
  }
}

/// Whether options are checked against each other while they are parsed.
enum OptionChecks {
  @TaskLocal static var areDone = true
}
