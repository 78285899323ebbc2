import Diagnostics
import Testing

@testable import Canonical

/// Sizes in symbols.
struct SizeExpressionTests {
  @Test(arguments: [
    ("7", 7), ("nk", 3), ("2*nk*dk + nv*dv", 2 * 3 * 4 + 5 * 6), (" nk * 2 ", 6), ("nk+nk", 6),
    ("nv*dv/dk*2", 15), ("nk*dk/6 + nv/5", 3), ("dk/2/2", 1), ("dk/dk*nk", 3),
  ])
  func values(text: String, value: Int) throws {
    let symbols = ["nk": 3, "dk": 4, "nv": 5, "dv": 6]
    #expect(try SizeExpression(text).value(symbols) == value)
  }

  @Test(arguments: ["", "nk-1", "nk/", "/2", "nk//2", "2nk", "+nk", "nk**2", "(nk)", "-1", "n k *"])
  func nonsenseIsRefused(text: String) {
    #expect(throws: Problem.self) { try SizeExpression(text) }
  }

  @Test(arguments: ["nk/2", "dk/nk", "nk/0", "nk/none"])
  func aRemainderIsRefused(text: String) throws {
    let symbols = ["nk": 3, "dk": 4, "none": 0]
    let problem = #expect(throws: Problem.self) { try SizeExpression(text).value(symbols) }
    #expect(problem?.what.contains("remainder") == true)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let expression = try SizeExpression("a*a*a")
    #expect(throws: Problem.self) { try expression.value(["a": 1 << 30]) }
    #expect(throws: Problem.self) { try expression.value(["b": 1]) }
  }
}
