/// Numbers as people read them.
public enum Quantity {
  /// A whole number with its digits in groups of three.
  public static func count(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(" ") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
  }

  /// A number of things, in the singular where there is one.
  public static func of(_ number: Int, _ thing: String) -> String {
    "\(count(number)) \(thing)\(number == 1 ? "" : "s")"
  }

  /// A number of bytes with a decimal unit.
  public static func bytes(_ number: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(number)
    var unit = 0
    while value >= 1000, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(number) B" : "\(significant(value, 3)) \(units[unit])"
  }

  /// A number with a few significant digits.
  public static func significant(_ value: Double, _ digits: Int = 3) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    var exponent = 0
    var magnitude = abs(value)
    while magnitude >= 10 {
      magnitude /= 10
      exponent += 1
    }
    while magnitude < 1 {
      magnitude *= 10
      exponent -= 1
    }
    let sign = value < 0 ? "-" : ""
    if exponent < -3 || exponent > 8 {
      return "\(sign)\(fixed(magnitude, digits - 1))e\(exponent)"
    }
    return sign + fixed(abs(value), max(digits - 1 - exponent, 0))
  }

  private static func fixed(_ value: Double, _ places: Int) -> String {
    let factor = (0..<places).reduce(1.0) { product, _ in product * 10 }
    let scaled = Int((value * factor).rounded())
    guard places > 0 else { return "\(scaled)" }
    let digits = String(scaled % Int(factor))
    let zeros = String(repeating: "0", count: places - digits.count)
    return "\(scaled / Int(factor)).\(zeros)\(digits)"
  }
}
