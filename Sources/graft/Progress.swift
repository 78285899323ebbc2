import Diagnostics
import Reports
import Synchronization

/// One line on the terminal that tells how far a job is; silent where nobody looks, and in the first
/// second.
final class Progress: Sendable {
  private struct State {
    var done = 0
    var shown = ContinuousClock.now
    var isVisible = false
  }

  /// What is counted.
  enum Unit {
    case bytes, positions, tokens

    func text(_ count: Int) -> String {
      switch self {
      case .bytes: Quantity.bytes(count)
      case .positions: Quantity.of(count, "position")
      case .tokens: Quantity.of(count, "token")
      }
    }
  }

  private let what: String
  private let total: Int
  private let unit: Unit
  private let isShown: Bool
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  /// - Units: `total` in what is counted, or for `reach` in steps.
  init(_ what: String, total: Int, of unit: Unit = .bytes, _ options: CommonOptions) {
    self.what = what
    self.total = total
    self.unit = unit
    isShown = Terminal.showsProgress && !options.hidesProgress && !options.quiet
  }

  /// Counts what is done; any thread may call it.
  func advance(_ count: Int) {
    show { state, seconds in
      state.done += count
      let rate = max(Double(state.done) / seconds, 1)
      let left = max(Int(Double(total - state.done) / rate), 0)
      return "\(what) \(unit.text(state.done)) of \(unit.text(total)), "
        + "\(unit.text(Int(rate)))/s, \(left) s left"
    }
  }

  /// Tells the share that is done.
  func reach(_ share: Double) {
    show { _, seconds in
      let left = Int(seconds * (1 / max(share, 1e-9) - 1))
      return "\(what): step \(Int(share * Double(total))) of \(total), \(left) s left"
    }
  }

  private func show(_ line: (inout State, Double) -> String) {
    guard isShown else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      let text = line(&state, max((now - start).seconds, 1e-9))
      guard now - start > .seconds(1), now - state.shown > .milliseconds(200) else { return }
      (state.shown, state.isVisible) = (now, true)
      Terminal.write("\r\u{1b}[K" + PrintableText.text(text), to: 2)
    }
  }

  /// Clears the line.
  func finish() {
    state.withLock { state in
      if state.isVisible { Terminal.write("\r\u{1b}[K", to: 2) }
      state.isVisible = false
    }
  }
}

extension CommonOptions {
  /// Does a job while the terminal tells how far it is.
  func watched<Result>(
    _ what: String, total: Int, of unit: Progress.Unit = .bytes,
    _ job: (_ advance: @escaping @Sendable (Int) -> Void) throws -> Result
  ) rethrows -> Result {
    let progress = Progress(what, total: total, of: unit, self)
    defer { progress.finish() }
    return try job(progress.advance)
  }
}

extension Duration {
  /// The duration as a number of seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
