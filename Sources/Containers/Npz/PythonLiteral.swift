import Diagnostics

/// Reads the dictionary of an array header, which numpy writes as Python text.
struct PythonLiteral {
  private let text: [UInt8]
  private var position = 0

  init(_ text: String) { self.text = Array(text.utf8) }

  /// The three fields of a header, in any order, each once.
  /// - Throws: `Problem` of kind `invalid` where the text is anything else, `unsupported` for arrays of
  ///   records.
  mutating func header() throws -> (type: String, isFortran: Bool, shape: [Int]) {
    var type: String?
    var isFortran: Bool?
    var shape: [Int]?
    try list("{", "}") { literal in
      let key = try literal.string()
      try literal.expect(":")
      switch key {
      case "descr" where type == nil: type = try literal.descriptor()
      case "fortran_order" where isFortran == nil: isFortran = try literal.flag()
      case "shape" where shape == nil: shape = try literal.tuple()
      default: throw literal.problem("one field each of descr, fortran_order and shape")
      }
    }
    skipSpace()
    guard position == text.count, let type, let isFortran, let shape else {
      throw problem("descr, fortran_order and shape, and nothing else")
    }
    return (type, isFortran, shape)
  }

  /// Items between brackets, separated by commas, of which one may follow the last.
  private mutating func list(
    _ start: String, _ end: String, _ item: (inout PythonLiteral) throws -> Void
  ) throws {
    try expect(start)
    while !accept(end) {
      try item(&self)
      if !accept(",") { return try expect(end) }
    }
  }

  private mutating func descriptor() throws -> String {
    if accept("[") {
      throw Problem(.unsupported, "an array of records is not a tensor", expected: "a plain type")
    }
    return try string()
  }

  private mutating func string() throws -> String {
    try expect("'")
    guard let end = text[position...].firstIndex(of: UInt8(ascii: "'")) else {
      throw problem("the end of a text")
    }
    defer { position = end + 1 }
    return String(decoding: text[position..<end], as: UTF8.self)
  }

  private mutating func flag() throws -> Bool {
    if accept("True") { return true }
    try expect("False")
    return false
  }

  private mutating func tuple() throws -> [Int] {
    var numbers: [Int] = []
    try list("(", ")") { numbers.append(try $0.number()) }
    return numbers
  }

  private mutating func number() throws -> Int {
    skipSpace()
    let digits = text[position...].prefix { 0x30...0x39 ~= $0 }
    guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
      throw problem("a number of at most 63 bits")
    }
    position = digits.endIndex
    return number
  }

  private mutating func skipSpace() {
    while position < text.count, text[position] == 0x20 || text[position] == 0x0a { position += 1 }
  }

  private mutating func accept(_ word: String) -> Bool {
    skipSpace()
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func expect(_ word: String) throws {
    guard accept(word) else { throw problem(word) }
  }

  private func problem(_ expected: String) -> Problem {
    let rest = String(decoding: text[position...].prefix(24), as: UTF8.self)
    return Problem(
      .invalid, "the header of an array of numpy cannot be read",
      expected: "\(expected) at offset \(position)", found: rest.isEmpty ? "the end" : rest)
  }
}
