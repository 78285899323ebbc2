/// Long lists of names that differ only in numbers, shortened for people.
public enum NameFolding {
  /// Folds names that differ in one number each: `h.0.x`, `h.1.x`, `h.2.x` become `h.{0…2}.x`.
  ///
  /// Names keep the order in which their pattern first appears.
  public static func fold(_ names: [String]) -> [String] {
    var order: [[Substring]] = []
    var numbers: [[Substring]: [[Int]]] = [:]
    for name in names {
      let (pattern, values) = split(name)
      if numbers[pattern] == nil { order.append(pattern) }
      numbers[pattern, default: []].append(values)
    }
    return order.flatMap { pattern in fold(pattern, numbers[pattern] ?? []) }
  }

  /// The first few names, folded, for a message.
  public static func summary(_ names: [String]) -> String {
    let folded = fold(names)
    return folded.prefix(3).joined(separator: ", ") + (folded.count > 3 ? ", …" : "")
  }

  /// The literal pieces of a dotted name and the numbers between them.
  private static func split(_ name: String) -> (pattern: [Substring], values: [Int]) {
    var values: [Int] = []
    let pattern = name.split(separator: ".", omittingEmptySubsequences: false).map { piece in
      guard piece.count < 10, let value = Int(piece) else { return piece }
      values.append(value)
      return "#"
    }
    return (pattern, values)
  }

  /// One line per combination of the leading numbers; the last number is a range where possible.
  private static func fold(_ pattern: [Substring], _ values: [[Int]]) -> [String] {
    guard let width = values.first?.count, width > 0 else { return [filled(pattern, [])] }
    let distinct = (0..<width).map { place in Set(values.map { $0[place] }).count }
    let varying = (0..<width).filter { distinct[$0] > 1 }
    guard Set(values).count == values.count, isProduct(distinct, values.count) else {
      return values.map { filled(pattern, $0.map(String.init)) }
    }
    let texts = (0..<width).map { place in
      varying.contains(place) ? "{" + range(values.map { $0[place] }) + "}" : "\(values[0][place])"
    }
    return [filled(pattern, texts)]
  }

  /// Whether numbers multiply to another; their product may be larger than any integer.
  private static func isProduct(_ numbers: [Int], _ count: Int) -> Bool {
    var product = 1
    for number in numbers where product <= count { product *= number }
    return product == count
  }

  /// Numbers as ranges and single values, `0…3,7`; each number once, in order.
  public static func range(_ numbers: [Int]) -> String {
    var pieces: [ClosedRange<Int>] = []
    for number in Set(numbers).sorted() {
      if let last = pieces.last, last.upperBound + 1 == number {
        pieces[pieces.count - 1] = last.lowerBound...number
      } else {
        pieces.append(number...number)
      }
    }
    return pieces.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)…\($0.upperBound)" }
      .joined(separator: ",")
  }

  private static func filled(_ pattern: [Substring], _ texts: [String]) -> String {
    var rest = texts[...]
    return pattern.map { $0 == "#" ? rest.popFirst() ?? "#" : String($0) }.joined(separator: ".")
  }
}
