import Diagnostics
import Tensors

/// The numbers by which n-grams are hashed, as they follow from a seed and a least size.
///
/// Source: transformers `models/qwen4_exp/modeling_qwen4_exp.py`.
enum NgramHashes {
  /// What a config stands for that gives no seed.
  static let usualSeed = 1234
  /// What divides the number of rows where a config does not say.
  static let usualMultiple = 128
  /// The seeds among which that of given multipliers is looked for.
  private static let seeds = 0..<1 << 16
  /// How many numbers are divided to find the primes of a layer, a few dozen times over.
  static let mostDivisions = 4e6
  /// The largest base: primes are found by division.
  static let largestBase = 1 << 32

  private static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The multipliers of the tokens of an n-gram, the newest first.
  /// - Parameter index: which of the layers with n-grams it is.
  static func multipliers(seed: Int, index: Int, order: Int, vocabulary: Int) -> [Int] {
    let half = UInt64(max((Int.max / max(vocabulary, 1)) / 2, 1))
    let start = UInt64(truncatingIfNeeded: seed &+ 10_007 &* index)
    return (0..<order).map { token in
      Int(2 * (mixed(start &+ gamma &* UInt64(token + 1)) % half) + 1)
    }
  }

  /// The mixing of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var value = value &+ gamma
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// The seed that gives some multipliers; nil where none of those that are tried does.
  static func seed(of multipliers: [Int], index: Int, vocabulary: Int) -> Int? {
    func gives(_ seed: Int) -> Bool {
      Self.multipliers(
        seed: seed, index: index, order: multipliers.count, vocabulary: vocabulary) == multipliers
    }
    return gives(usualSeed) ? usualSeed : seeds.first(where: gives)
  }

  /// The rows of the heads of a layer: primes one after the other, from the base on.
  static func sizes(base: Int, index: Int, heads: Int) -> [Int] {
    var (prime, sizes) = (base - 1, [Int]())
    for place in 0..<(index + 1) * heads {
      repeat { prime += 1 } while !isPrime(prime)
      if place >= index * heads { sizes.append(prime) }
    }
    return sizes
  }

  private static func isPrime(_ number: Int) -> Bool {
    guard number > 3 else { return number > 1 }
    guard number % 2 != 0 else { return false }
    var divisor = 3
    while divisor * divisor <= number {
      if number % divisor == 0 { return false }
      divisor += 2
    }
    return true
  }

  /// Where the rows of each head begin.
  static func offsets(_ sizes: [Int]) -> [Int] {
    sizes.dropLast().reduce(into: [0]) { $0.append(($0.last ?? 0) &+ $1) }
  }

  /// All rows, rounded up.
  static func rows(_ sizes: [Int], multiple: Int) -> Int {
    let total = sizes.reduce(0, &+)
    return (total + multiple - 1) / multiple * multiple
  }
}

extension ModelConfiguration {
  /// Fills in what hashes n-grams, or the seed and sizes from which it follows where a layout states itself.
  mutating func resolveNgrams() throws {
    var index = 0
    for layer in layers.indices where layers[layer].ngrams.isPresent {
      try locating(.layer(layer)) {
        try layers[layer].ngrams.resolve(index: index, vocabulary: vocabulary)
      }
      index += 1
    }
  }
}

extension NgramEmbedding {
  fileprivate mutating func resolve(index: Int, vocabulary: Int) throws {
    guard fits, (0...1 << 14).contains(index) else { return }
    if multipliers.isEmpty {
      let seed = seed ?? NgramHashes.usualSeed
      self.seed = seed
      multipliers = NgramHashes.multipliers(
        seed: seed, index: index, order: order, vocabulary: vocabulary)
    } else if seed == nil {
      seed = NgramHashes.seed(of: multipliers, index: index, vocabulary: vocabulary)
    }
    try resolveSizes(index)
    guard let last = sizes.last,
      sizes.allSatisfy({ (1...NgramHashes.largestBase * 2).contains($0) }),
      last > 0
    else { return }
    if offsets.isEmpty { offsets = NgramHashes.offsets(sizes) }
    resolveRows()
  }

  private mutating func resolveSizes(_ index: Int) throws {
    if sizes.isEmpty {
      guard let base, (1...NgramHashes.largestBase).contains(base) else {
        throw Problem(
          .invalid, "the least size of a head of n-grams is out of range",
          expected: "1 to \(NgramHashes.largestBase)", found: base.map(String.init) ?? "none",
          remedy: "correct ngram_vocab_size_base in the config")
      }
      let divisions = Double((index + 1) * heads) * Double(base).squareRoot()
      guard divisions <= NgramHashes.mostDivisions else {
        throw Problem(
          .invalid, "too many heads of n-grams", expected: "as many as the primes of a model need",
          found: "\((index + 1) * heads) with \(base) rows or more",
          remedy: "correct heads_per_ngram, ngram_size or ngram_vocab_size_base in the config")
      }
      sizes = NgramHashes.sizes(base: base, index: index, heads: heads)
    } else if base == nil, index == 0, let first = sizes.first,
      (1...NgramHashes.largestBase).contains(first),
      NgramHashes.sizes(base: first, index: 0, heads: heads) == sizes
    {
      base = first
    }
  }

  private mutating func resolveRows() {
    if let multiple, multiple > NgramHashes.largestBase { return }
    if let rows, multiple == nil {
      let usual = NgramHashes.rows(sizes, multiple: NgramHashes.usualMultiple)
      multiple = usual == rows ? NgramHashes.usualMultiple : max(rows, 1)
    }
    let multiple = max(multiple ?? NgramHashes.usualMultiple, 1)
    self.multiple = multiple
    let rows = rows ?? NgramHashes.rows(sizes, multiple: multiple)
    self.rows = rows
    guard parts == nil else { return }
    parts = [512, 256, 128, 64, 32, 16, 8, 4, 2].first { rows % $0 == 0 } ?? 1
  }
}

extension ModelConfiguration {
  /// The values of tensors that follow from facts, so that layouts need not store them.
  public var implied: [Role: [Int]] {
    layers.enumerated().reduce(into: [:]) { implied, layer in
      guard layer.element.ngrams.isPresent else { return }
      let ngrams = layer.element.ngrams
      implied[Role("ngram.multipliers", layer: layer.offset)] = ngrams.multipliers
      implied[Role("ngram.sizes", layer: layer.offset)] = ngrams.sizes
      implied[Role("ngram.offsets", layer: layer.offset)] = ngrams.offsets
    }
  }
}

extension CanonicalModel {
  /// The same model with the tensors that follow from facts and that its layout does not store.
  public var withImplied: CanonicalModel {
    let implied = configuration.implied.filter { tensors[$0.key] == nil }
    guard !implied.isEmpty else { return self }
    var model = self
    for (role, numbers) in implied {
      model.tensors[role] = CanonicalTensor(
        shape: [numbers.count], type: .i64,
        region: ByteRegion(
          OwnedBytes(numbers.flatMap { withUnsafeBytes(of: Int64($0).littleEndian, [UInt8].init) })),
        view: StridedView(contiguous: [numbers.count]), origin: CanonicalTensor.newOrigin)
    }
    return model
  }
}
