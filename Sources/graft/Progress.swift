/// One line on the terminal that tells how far a job is; silent where nobody looks.
final class Progress {
  private let what: String
  private let total: Int
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var done = 0
  private var shown = ContinuousClock.now

  /// - Units: `total` in bytes, or for `reach` in steps.
  init(_ what: String, total: Int, _ options: CommonOptions) {
    self.what = what
    self.total = total
    isShown = Terminal.showsProgress && !options.hidesProgress && !options.quiet
  }

  /// Counts bytes that are done.
  func advance(_ bytes: Int) {
    done += bytes
    guard isShown, ContinuousClock.now - shown > .milliseconds(200) else { return }
    shown = .now
    let seconds = (shown - start).seconds
    let rate = Double(done) / seconds
    let left = Int(Double(total - done) / rate)
    Terminal.write(
      "\r\u{1b}[K\(what) \(Quantity.bytes(done)) of \(Quantity.bytes(total)), "
        + "\(Quantity.bytes(Int(rate)))/s, \(left) s left", to: 2)
  }

  /// Tells the share that is done.
  func reach(_ share: Double) {
    guard isShown, ContinuousClock.now - shown > .milliseconds(200) else { return }
    shown = .now
    let left = Int((shown - start).seconds * (1 / max(share, 1e-9) - 1))
    Terminal.write(
      "\r\u{1b}[K\(what): step \(Int(share * Double(total))) of \(total), \(left) s left", to: 2)
  }

  /// Clears the line.
  func finish() {
    if isShown { Terminal.write("\r\u{1b}[K", to: 2) }
  }
}

extension Duration {
  /// The duration as a number of seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
