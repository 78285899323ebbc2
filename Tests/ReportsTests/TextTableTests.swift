import Reports
import Testing

/// Tables of a terminal: aligned, and cut to its width in the middle of names.
@Suite struct TextTableTests {
  private func table(_ name: String) -> TextTable {
    var table = TextTable(header: ["name", "values"], leading: 1)
    table.add([name, "12"])
    table.add(["b", "1 234"])
    return table
  }

  @Test func columnsAreAligned() {
    #expect(table("abc").lines() == ["  name  values", "  abc       12", "  b      1 234"])
  }

  @Test func namesLoseTheirMiddle() {
    let lines = table("model.layers.11.mlp.weight").lines(width: 24)
    #expect(
      lines == ["  name            values", "  model.….weight      12", "  b                1 234"])
  }

  @Test func whatDoesNotFitIsCutAtTheRight() {
    let lines = table("model.layers.11.mlp.weight").lines(width: 12)
    #expect(lines.allSatisfy { $0.count <= 12 } && lines[1].hasSuffix("…"))
  }

  @Test func numbersAreShort() {
    let cases: [(Double, String)] = [
      (0, "0"), (1, "1.00"), (-12.345, "-12.3"), (0.000123, "1.23e-4"), (1234567890, "1.23e9"),
      (.infinity, "inf"), (.nan, "nan"),
    ]
    for (value, text) in cases { #expect(Quantity.significant(value) == text) }
    #expect(Quantity.count(-1_234_567) == "-1 234 567" && Quantity.of(1, "tensor") == "1 tensor")
    #expect(Quantity.bytes(999) == "999 B" && Quantity.bytes(1_234_567) == "1.23 MB")
  }
}
