/// Embeddings of the n-grams that end at a token, which a layer adds to its residual streams.
///
/// A hash of every n-gram of `2 … n` tokens chooses a row of each of some heads of a table; what the rows say
/// is weighed against each stream, and convolved over positions that lie `n` apart.
///
/// Maths letters: `No` the longest n-gram, `Nh` heads of all orders together, `De` the dims of a row, `Dp` of
/// all rows of a token, `Nr` rows of the table, `Kp` taps of the convolution.
///
/// Source: transformers `models/qwen4_exp/modeling_qwen4_exp.py`.
public struct NgramEmbedding: FactRecord {
  /// Whether the layer has any.
  public var isPresent = false
  /// No, the tokens of the longest n-gram.
  public var order = 0
  /// The heads of n-grams of one length.
  public var headsPerOrder = 0
  /// Dp, the dims of the rows of all heads.
  public var dim = 0
  /// Kp, the taps of the convolution.
  public var taps = 0
  /// The token that ends a text: no n-gram reaches over it, and it stands in front of the first token.
  public var separator: Int?
  /// The least size of a head, from which primes are counted.
  public var base: Int?
  /// The seed of the multipliers.
  public var seed: Int?
  /// What divides the number of rows.
  public var multiple: Int?
  /// The stored tensors that share the rows, where a layout divides them.
  public var parts: Int?
  /// What the tokens of an n-gram are multiplied with, the newest first.
  public var multipliers: [Int] = []
  /// The rows of each head.
  public var sizes: [Int] = []
  /// The first row of each head.
  public var offsets: [Int] = []
  /// Nr, the rows of the table, those behind the last head among them.
  public var rows: Int?

  /// A layer without any.
  public init() {}

  private static let isThere: @Sendable (NgramEmbedding) -> Bool = { $0.isPresent }

  /// The facts of the embeddings.
  public static let facts: [Fact<NgramEmbedding>] = [
    .flag("ngram", \.isPresent),
    .integer("ngram.size", \.order).meaning(where: isThere),
    .integer("ngram.heads", \.headsPerOrder).meaning(where: isThere),
    .integer("ngram.dim", \.dim).meaning(where: isThere),
    .integer("ngram.taps", \.taps).meaning(where: isThere),
    .integer("ngram.separator", \.separator).meaning(where: isThere),
    .integer("ngram.base", \.base).withoutMeaning,
    .integer("ngram.seed", \.seed).withoutMeaning,
    .integer("ngram.multiple", \.multiple).withoutMeaning,
    .integer("ngram.parts", \.parts).withoutMeaning,
    .integer("ngram.rows", \.rows).meaning(where: isThere),
    // What the tokens of an n-gram are multiplied with, the newest first; numbers with commas between.
    .text("ngram.multipliers", \.multiplierList).meaning(where: isThere),
    // The rows of each head; numbers with commas between.
    .text("ngram.sizes", \.sizeList).meaning(where: isThere),
    // The first row of each head; numbers with commas between.
    .text("ngram.offsets", \.offsetList).meaning(where: isThere),
    .derived("ngram.row_dim", .integer) { .integer($0.rowDim) },
  ]

  /// The facts that are numbers of tokens or rows, larger than any extent of a weight.
  static let counts: Set<String> = ["ngram.base", "ngram.rows", "ngram.seed", "ngram.separator"]

  /// Nh, the heads of all orders.
  public var heads: Int {
    max(order - 1, 0).multipliedReportingOverflow(by: headsPerOrder).partialValue
  }

  /// De, the dims of a row.
  public var rowDim: Int { heads > 0 ? dim / heads : 0 }

  var symbols: [String: Int] {
    [
      "No": order, "Nh": heads, "De": rowDim, "Dp": dim, "Nr": rows ?? 0, "Kp": taps,
      "Np": parts ?? 1,
    ]
  }

  /// The role of the table, of which a token reads one row for each head.
  public static let table = "ngram.table"

  static let roles: [RoleRule<NgramEmbedding>] = [
    RoleRule(table, ["Nr", "De"], when: isThere),
    RoleRule("ngram.key", ["S*H", "Dp"], .quantised, when: isThere),
    RoleRule("ngram.value", ["H", "Dp"], .quantised, when: isThere),
    RoleRule("ngram.key_norm", ["S*H"], .centred, when: isThere),
    RoleRule("ngram.query_norm", ["S*H"], .centred, when: isThere),
    RoleRule("ngram.conv_norm", ["S*H"], .centred, when: isThere),
    RoleRule("ngram.conv", ["S*H", "Kp"], when: isThere),
    RoleRule("ngram.multipliers", ["No"], .implied, when: isThere),
    RoleRule("ngram.sizes", ["Nh"], .implied, when: isThere),
    RoleRule("ngram.offsets", ["Nh"], .implied, when: isThere),
  ]

  /// What is out of range or does not fit together, and the value.
  func disagreements(streams: Int) -> [(what: String, found: String)] {
    guard isPresent else { return [] }
    var found: [(String, String)] = []
    if streams < 2 { found.append(("n-gram embeddings need several streams", "\(streams)")) }
    if separator == nil { found.append(("n-grams need the token that ends a text", "none")) }
    if !fits {
      found.append(
        (
          "ngram.heads times the lengths of n-grams must divide ngram.dim",
          "\(headsPerOrder), \(order), \(dim)"
        ))
    } else if multipliers.count != order || sizes.count != heads || offsets.count != heads {
      found.append(
        (
          "n-grams need a multiplier for each token, a size and an offset for each head",
          "\(multipliers.count), \(sizes.count), \(offsets.count)"
        ))
    } else if !zip(sizes, offsets).allSatisfy({ $0 > 0 && $1 >= 0 && $1 <= (rows ?? 0) - $0 }) {
      found.append(("the rows of a head of n-grams lie outside the table", "\(rows ?? 0) rows"))
    }
    return found
  }

  /// Whether there are tokens, heads, dims and taps, and heads share the dims.
  var fits: Bool {
    (2...16).contains(order) && (1...1024).contains(headsPerOrder) && dim > 0 && dim % heads == 0
      && (1...64).contains(taps)
  }
}

extension NgramEmbedding {
  fileprivate var multiplierList: String? {
    get { Self.text(multipliers) }
    set { multipliers = Self.numbers(newValue) }
  }

  fileprivate var sizeList: String? {
    get { Self.text(sizes) }
    set { sizes = Self.numbers(newValue) }
  }

  fileprivate var offsetList: String? {
    get { Self.text(offsets) }
    set { offsets = Self.numbers(newValue) }
  }

  private static func text(_ numbers: [Int]) -> String? {
    numbers.isEmpty ? nil : numbers.map(String.init).joined(separator: ",")
  }

  private static func numbers(_ text: String?) -> [Int] {
    (text ?? "").split(separator: ",").compactMap { Int($0) }
  }
}
