import Diagnostics
import SystemPackage
import Tensors

/// The directory of a Megatron run: iterations below it, and files that tell which is the newest.
struct MegatronRun {
  private let directory: FilePath
  /// The names of the directories of iterations, oldest first; a release is older than any of them.
  private let names: [String]

  private static let tracker = "latest_checkpointed_iteration.txt"
  /// The tracker of Megatron-Bridge, which its own tools read first.
  private static let state = "latest_train_state.pt"
  private static let release = "release"
  private static let prefix = "iter_"

  /// Looks at the names in a directory; nil where they are not those of a run.
  init?(_ directory: FilePath, _ listing: DirectoryListing) {
    let names = listing.directories.filter { Self.number($0) != nil || $0 == Self.release }
    let isTracked = [Self.tracker, Self.state].contains(where: listing.files.contains)
    let isSaved = names.contains { name in
      [MegatronBackend.fileName, DistributedMetadata.fileName].contains {
        FileKind(directory.appending(name).appending($0)) == .regular
      }
    }
    guard isTracked || isSaved, !listing.files.contains(where: Container.claims) else { return nil }
    self.directory = directory
    self.names = names.sorted { (Self.number($0) ?? -1) < (Self.number($1) ?? -1) }
  }

  private static func number(_ name: String) -> Int? {
    guard name.hasPrefix(prefix), name.dropFirst(prefix.count).allSatisfy(\.isNumber) else {
      return nil
    }
    return Int(name.dropFirst(prefix.count))
  }

  /// The directory of an iteration.
  /// - Parameter iteration: its number; nil for the newest that came to its end, as the run itself says.
  /// - Throws: `Problem` of kind `missing` where it is not there, `invalid` where it did not come to its
  ///   end; both say which others did.
  func path(_ iteration: Int?) throws -> FilePath {
    let name = try iteration.map(asked) ?? newest()
    let path = directory.appending(name)
    do { try Self.check(path) } catch {
      throw advised(error.asProblems, besides: name)
    }
    return path
  }

  private func asked(_ iteration: Int) throws -> String {
    guard let name = names.last(where: { Self.number($0) == iteration }) else {
      throw Problem(
        .missing, "the run has no such iteration", file: directory.string,
        expected: names.isEmpty ? "directories \(Self.prefix)…" : NameList.text(names),
        found: "--iteration \(iteration)", remedy: "give one of those that are there")
    }
    return name
  }

  // MARK: The newest

  private func newest() throws -> String {
    let (text, stated) = (try tracked(), try trained())
    if let text, let stated, Int(text) != stated, text != Self.release {
      throw Problem(
        .invalid, "two files of the run name different iterations as the newest",
        file: directory.string, expected: "\(Self.state): \(stated)",
        found: "\(Self.tracker): \(text)", remedy: "name the iteration with --iteration")
    }
    if let text { return try named(text, by: Self.tracker) }
    if let stated { return try named("\(stated)", by: Self.state) }
    guard let last = names.last else {
      throw Problem(
        .missing, "the run has no iterations", file: directory.string,
        remedy: "fetch the directory of an iteration")
    }
    return last
  }

  private func named(_ text: String, by file: String) throws -> String {
    let found = names.last { $0 == text || Self.number($0) == Int(text) && Int(text) != nil }
    guard let found else {
      throw Problem(
        .missing, "the newest iteration of the run is not there",
        file: directory.appending(file).string,
        expected: text == Self.release ? text : "a directory \(Self.prefix)… of iteration \(text)",
        found: names.isEmpty ? "no iterations" : NameList.text(names),
        remedy: names.isEmpty
          ? "fetch the directory of the iteration" : "name one that is there with --iteration")
    }
    return found
  }

  /// What Megatron-LM says is the newest.
  private func tracked() throws -> String? {
    let path = directory.appending(Self.tracker)
    guard FileKind(path) == .regular else { return nil }
    let bytes = try MappedFile.readAll(path, limit: 1 << 12)
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let word = words.first, word == Self.release || Int(word) ?? -1 >= 0
    else {
      throw Problem(
        .invalid, "the file does not say which iteration is the newest", file: path.string,
        expected: "a number or \(Self.release)", found: words.isEmpty ? "nothing" : "another text",
        remedy: "name the iteration with --iteration")
    }
    return String(word)
  }

  /// What Megatron-Bridge says is the newest.
  private func trained() throws -> Int? {
    let path = directory.appending(Self.state)
    guard FileKind(path) == .regular else { return nil }
    return try locating(.file(path.string)) {
      let content = try TorchContent(MappedFile(path), dropsForeign: true)
      guard case .tensor(let place)? = content.heap.member("step", of: content.value) else {
        return nil
      }
      var views = TensorViews(content, budget: 1 << 12, file: path.string)
      let step = try views.tensor("step", place)
      guard step.elementCount == 1, step.type == .i32 || step.type == .i64 else { return nil }
      return try step.region.withBytes { bytes in
        step.type == .i32
          ? Int(bytes.loadUnaligned(as: Int32.self)) : Int(bytes.loadUnaligned(as: Int64.self))
      }
    }
  }

  // MARK: Whole and not

  /// Checks that an iteration came to its end, in a form that is read.
  private static func check(_ path: FilePath) throws {
    let listing = try DirectoryListing(path)
    if let rank = listing.directories.first(where: { $0.hasPrefix("mp_rank_") }) {
      throw Problem(
        .unsupported, "an iteration in Megatron's older format (torch), one file for each rank",
        file: path.string, expected: DistributedMetadata.fileName, found: "\(rank) and the like",
        remedy: "load it in Megatron and save it with --ckpt-format torch_dist")
    }
    guard listing.files.contains(MegatronBackend.fileName) else {
      let isSaved = listing.files.contains(DistributedMetadata.fileName)
      if isSaved { return }
      throw Problem(
        .invalid, "an iteration that did not come to its end", file: path.string,
        expected: "\(DistributedMetadata.fileName) and \(MegatronBackend.fileName)",
        found: listing.files.isEmpty ? "nothing" : NameList.text(listing.files))
    }
    _ = try MegatronBackend.check(path)
  }

  /// What is wrong with one iteration, and what of the others.
  private func advised(_ problems: [Problem], besides name: String) -> Problem {
    var others: [Problem] = []
    var whole: [String] = []
    for other in names where other != name {
      do {
        try Self.check(directory.appending(other))
        whole.append(other)
      } catch { others += error.asProblems }
    }
    let numbers = whole.compactMap(Self.number).map(String.init)
    let remedy =
      numbers.isEmpty
      ? "no other iteration of the run is whole"
      : "name another iteration, such as --iteration \(numbers[numbers.count - 1])"
    return Problem(
      all: problems.map { problem in
        var problem = problem
        if problem.kind == .invalid { problem.remedy = remedy }
        return problem
      } + (whole.isEmpty ? others : []))
  }
}
