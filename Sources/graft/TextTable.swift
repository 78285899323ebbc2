/// Columns of text, aligned: the first ones to the left, numbers to the right.
struct TextTable {
  private var rows: [[String]]
  private let leading: Int

  /// - Parameter leading: the number of columns that are aligned to the left.
  init(header: [String], leading: Int) {
    rows = [header]
    self.leading = leading
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines of the table.
  var lines: [String] {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let cells = zip(row, widths).enumerated().map { column, cell in
        let padding = String(repeating: " ", count: cell.1 - cell.0.count)
        return column < leading ? cell.0 + padding : padding + cell.0
      }
      return "  " + cells.joined(separator: "  ").trimmingEnd()
    }
  }
}

extension String {
  fileprivate func trimmingEnd() -> String {
    var text = self[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}

/// Numbers as people read them.
enum Quantity {
  /// A whole number with its digits in groups of three.
  static func count(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(" ") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
  }

  /// A number of things, in the singular where there is one.
  static func of(_ number: Int, _ thing: String) -> String {
    "\(count(number)) \(thing)\(number == 1 ? "" : "s")"
  }

  /// A number of bytes with a decimal unit.
  static func bytes(_ number: Int) -> String {
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
  static func significant(_ value: Double, _ digits: Int = 3) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
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
