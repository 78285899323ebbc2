import Diagnostics

/// A size in symbols, such as `2*nk*dk + nv*dv`: sums of products of names and numbers.
public struct SizeExpression: Hashable, Sendable {
  /// The expression as written.
  public let text: String
  private let terms: [[Factor]]

  private enum Factor: Hashable {
    case number(Int)
    case symbol(String)
  }

  /// Parses an expression.
  /// - Throws: `Problem` of kind `invalid` where the text is not a sum of products.
  public init(_ text: String) throws {
    self.text = text
    terms = try text.split(separator: "+", omittingEmptySubsequences: false).map { term in
      try term.split(separator: "*", omittingEmptySubsequences: false).map { factor in
        let name = factor.filter { $0 != " " }
        if let number = Int(name), number >= 0 { return .number(number) }
        guard let first = name.first, first.isLetter, name.allSatisfy(\.isSymbolCharacter) else {
          throw Problem(
            .invalid, "not a size expression", expected: "sums of products of names and numbers",
            found: text)
        }
        return .symbol(name)
      }
    }
  }

  /// A size that is a symbol alone.
  init(symbol: String) { self.init(.symbol(symbol), text: symbol) }

  private init(_ factor: Factor, text: String) { (terms, self.text) = ([[factor]], text) }

  /// The other factors of a product that a symbol is one of; nil where the size is no such product.
  func factors(beside symbol: String) -> [SizeExpression]? {
    guard terms.count == 1, let place = terms[0].firstIndex(of: .symbol(symbol)) else { return nil }
    return terms[0].indices.filter { $0 != place }.map { index in
      switch terms[0][index] {
      case .number(let number): SizeExpression(terms[0][index], text: String(number))
      case .symbol(let name): SizeExpression(symbol: name)
      }
    }
  }

  /// The value for given symbols.
  /// - Throws: `Problem` of kind `invalid` for an unknown symbol or a value beyond an `Int`.
  public func value(_ symbols: [String: Int]) throws -> Int {
    try terms.reduce(0) { sum, factors in
      let product = try factors.reduce(1) { product, factor in
        try checked(product.multipliedReportingOverflow(by: value(factor, symbols)))
      }
      return try checked(sum.addingReportingOverflow(product))
    }
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
