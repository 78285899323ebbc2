import Calibration
import Reports

extension SpliceVerdict {
  /// What the splice costs and what to do about it, in words.
  var sentence: String {
    let kl = "mean KL \(Quantity.significant(meanKL)) nats; the relative error of the output is "
    let shown = Quantity.significant(error)
    let silence =
      shown == Quantity.significant(1)
      ? "as bad as writing nothing"
      : isWorseThanSilence
        ? "worse than writing nothing, which is 1.0" : "where 1.0 is as bad as writing nothing"
    return kl + shown + ", " + silence + (advice.map { "; " + $0 } ?? "")
  }

  private var advice: String? {
    if isFitted { return isWorseThanSilence ? "give more tokens or more --steps" : nil }
    let quick =
      fitted.map { ", which brought \(Quantity.significant($0)) nats in the ranking" } ?? ""
    return "to start from a layer that is fitted to the old one" + quick
      + ", use --init calibrate; else train it first"
  }
}
