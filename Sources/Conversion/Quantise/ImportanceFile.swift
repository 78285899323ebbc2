import Containers
import Diagnostics
import SystemPackage
import Tensors

/// What an importance matrix says of one weight.
struct ImportanceEntry {
  /// Sums of the squares of what every input was, for each matrix.
  let sums: [Float]
  /// Over how many tokens or calls, for each matrix or for all.
  let counts: [Float]
  /// Whether importances of a matrix that nothing went through are all the same.
  let hasUnseen: Bool

  /// The means; one where nothing was counted.
  var means: [Float] {
    let width = sums.count / max(counts.count, 1)
    return sums.indices.map { index in
      let count = counts[index / max(width, 1)]
      return count > 0 ? sums[index] / count : hasUnseen ? 1 : sums[index]
    }
  }
}

/// A file of importances as llama-imatrix writes it: GGUF, or the form from before.
struct ImportanceFile {
  private(set) var entries: [String: ImportanceEntry] = [:]
  private(set) var dataset: String?
  private(set) var chunks = 0

  /// Reads a file.
  /// - Throws: `Problem` of kind `missing`, `io`, or `invalid` where it is none.
  init(_ path: FilePath) throws {
    let file = try MappedFile(path)
    try locating(.file(path.string)) {
      if file.bytes.starts(with: "GGUF".utf8) {
        try read(GGUFFile(file, name: path.string))
      } else {
        var cursor = LegacyCursor(bytes: file.bytes)
        try read(&cursor)
      }
      guard !entries.isEmpty else { throw Self.problem("no entries") }
    }
  }

  // MARK: GGUF

  private static let (sums, counts) = (".in_sum2", ".counts")
  private static let keys = ["imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size"]

  private mutating func read(_ file: GGUFFile) throws {
    let values = Dictionary(file.metadata.map { ($0.key, $0.value) }) { first, _ in first }
    let tensors = Dictionary(file.tensors.map { ($0.name, $0) }) { first, _ in first }
    if let key = Self.keys.first(where: { values[$0] == nil }) { throw Self.problem("no \(key)") }
    dataset = values[Self.keys[0]]?.texts?.first
    chunks = values[Self.keys[1]]?.json.int ?? 0
    for tensor in file.tensors where tensor.name.hasSuffix(Self.sums) {
      let name = String(tensor.name.dropLast(Self.sums.count))
      guard let counts = tensors[name + Self.counts] else {
        throw Self.problem("no counts", of: name)
      }
      entries[name] = try ImportanceEntry(
        sums: Self.floats(tensor),
        counts: Self.floats(counts).map { $0.rounded(.toNearestOrAwayFromZero) }, hasUnseen: true)
      try check(name)
    }
  }

  private static func floats(_ tensor: StoredTensor) throws -> [Float] {
    guard tensor.type == .f32 else { throw problem(tensor.type.rawValue, of: tensor.name) }
    return try tensor.region.withBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
  }

  // MARK: The form from before

  /// The count of entries; of each its name, calls, count of values and values; then chunks and data set.
  private mutating func read(_ cursor: inout LegacyCursor) throws {
    for _ in 0..<(try cursor.count()) {
      let name = try cursor.text()
      let calls = try cursor.number()
      let sums = try cursor.floats(cursor.count())
      entries[name] = ImportanceEntry(sums: sums, counts: [Float(calls)], hasUnseen: false)
      try check(name)
    }
    guard !cursor.isAtEnd else { return }
    chunks = Int(try cursor.number())
    if !cursor.isAtEnd { dataset = try cursor.text() }
  }

  // MARK: Problems

  private func check(_ name: String) throws {
    guard let entry = entries[name], !entry.sums.isEmpty, !entry.counts.isEmpty,
      entry.sums.count % entry.counts.count == 0
    else { throw Self.problem("counts that do not divide the sums", of: name) }
    guard let wrong = (entry.sums + entry.counts).first(where: { !($0.isFinite && $0 >= 0) }) else {
      return
    }
    throw Self.problem("\(wrong)", of: name)
  }

  fileprivate static func problem(_ found: String, of name: String? = nil) -> Problem {
    Problem(
      .invalid, "this is no importance matrix", tensor: name,
      expected: "finite sums of squares with their counts, as llama-imatrix writes them",
      found: found, remedy: "make the matrix again with llama-imatrix")
  }
}

/// Numbers and texts of the form from before, one after the other.
private struct LegacyCursor {
  let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func number() throws -> Int32 {
    Int32(
      littleEndian: try take(4) { $0.loadUnaligned(fromByteOffset: $1, as: Int32.self) })
  }

  /// A number of things, at least one.
  mutating func count() throws -> Int {
    let count = try number()
    guard count > 0 else { throw ImportanceFile.problem("a count of \(count)") }
    return Int(count)
  }

  mutating func text() throws -> String {
    let length = Int(try number())
    return try take(length) { String(decoding: $0[$1..<$1 + length], as: UTF8.self) }
  }

  mutating func floats(_ count: Int) throws -> [Float] {
    try take(4 * count) { bytes, start in
      (0..<count).map {
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * $0, as: UInt32.self)))
      }
    }
  }

  private mutating func take<Result>(
    _ count: Int, _ body: (UnsafeRawBufferPointer, Int) -> Result
  ) throws -> Result {
    guard count >= 0, count <= bytes.count - position else {
      throw ImportanceFile.problem("the end of the file at byte \(bytes.count)")
    }
    defer { position += count }
    return body(bytes, position)
  }
}
