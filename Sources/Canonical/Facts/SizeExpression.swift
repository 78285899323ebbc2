import Diagnostics

/// A size in symbols, such as `2*nk*dk + nv*dv`: sums of products of names and numbers.
public struct SizeExpression: Hashable, Sendable {
  /// The expression as written.
  public let text: String
  private let terms: [Term]

  /// A product, and what it is divided by.
  private struct Term: Hashable {
    var factors: [Factor] = []
    var divisors: [Factor] = []
  }

  private enum Factor: Hashable {
    case number(Int)
    case symbol(String)
  }

  /// Parses an expression.
  /// - Throws: `Problem` of kind `invalid` where the text is not a sum of products and quotients.
  public init(_ text: String) throws {
    self.text = text
    terms = try text.split(separator: "+", omittingEmptySubsequences: false).map { term in
      let parts = term.split(separator: "/", omittingEmptySubsequences: false)
      let products = try parts.map { part in
        try part.split(separator: "*", omittingEmptySubsequences: false)
          .map { try Self.factor($0, in: text) }
      }
      // A product is read from left to right: in `a/b*c` only b divides.
      return products.dropFirst().reduce(into: Term(factors: products[0])) { term, product in
        term.divisors.append(product[0])
        term.factors += product.dropFirst()
      }
    }
  }

  private static func factor(_ part: Substring, in text: String) throws -> Factor {
    let name = part.filter { $0 != " " }
    if let number = Int(name), number >= 0 { return .number(number) }
    guard let first = name.first, first.isLetter, name.allSatisfy(\.isSymbolCharacter) else {
      throw Problem(
        .invalid, "not a size expression",
        expected: "sums of names and numbers that are multiplied or divided", found: text)
    }
    return .symbol(name)
  }

  /// A size that is a symbol alone.
  init(symbol: String) { self.init(.symbol(symbol), text: symbol) }

  private init(_ factor: Factor, text: String) {
    (terms, self.text) = ([Term(factors: [factor])], text)
  }

  /// The other factors of a product that a symbol is one of; nil where the size is no such product.
  func factors(beside symbol: String) -> [SizeExpression]? {
    guard terms.count == 1, case let factors = terms[0].factors, terms[0].divisors.isEmpty,
      let place = factors.firstIndex(of: .symbol(symbol))
    else { return nil }
    return factors.indices.filter { $0 != place }.map { index in
      switch factors[index] {
      case .number(let number): SizeExpression(factors[index], text: String(number))
      case .symbol(let name): SizeExpression(symbol: name)
      }
    }
  }

  /// The value for given symbols.
  /// - Throws: `Problem` of kind `invalid` for an unknown symbol, a value beyond an `Int`, or a division
  ///   with a remainder.
  public func value(_ symbols: [String: Int]) throws -> Int {
    try terms.reduce(0) { sum, term in
      try checked(sum.addingReportingOverflow(value(term, symbols)))
    }
  }

  private func value(_ term: Term, _ symbols: [String: Int]) throws -> Int {
    let product = try product(term.factors, symbols)
    let divisor = try self.product(term.divisors, symbols)
    guard divisor > 0, product % divisor == 0 else {
      throw Problem(
        .invalid, "a size needs a division with a remainder", expected: "\(text), a whole number",
        found: "\(product) / \(divisor)")
    }
    return product / divisor
  }

  /// Whether a division leaves a remainder for given symbols.
  public func hasRemainder(_ symbols: [String: Int]) -> Bool {
    terms.contains { term in
      guard let product = try? self.product(term.factors, symbols),
        let divisor = try? self.product(term.divisors, symbols), divisor > 0
      else { return false }
      return product % divisor != 0
    }
  }

  private func product(_ factors: [Factor], _ symbols: [String: Int]) throws -> Int {
    try factors.reduce(1) { product, factor in
      try checked(product.multipliedReportingOverflow(by: value(factor, symbols)))
    }
  }

  /// The names of the symbols that it uses.
  public var symbols: Set<String> {
    Set(
      terms.flatMap { $0.factors + $0.divisors }
        .compactMap { if case .symbol(let name) = $0 { name } else { nil } })
  }

  private func value(_ factor: Factor, _ symbols: [String: Int]) throws -> Int {
    switch factor {
    case .number(let number): return number
    case .symbol(let name):
      guard let value = symbols[name] else {
        throw Problem(.invalid, "a size uses a symbol that has no value here", found: name)
      }
      return value
    }
  }

  private func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Int {
    guard !result.overflow else {
      throw Problem(.invalid, "a size does not fit 64 bits", found: text)
    }
    return result.partialValue
  }
}

extension Character {
  fileprivate var isSymbolCharacter: Bool { isLetter || isNumber || self == "_" }
}
