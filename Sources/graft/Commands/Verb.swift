import ArgumentParser
import Containers
import Diagnostics
import JSON
import Platform
import Reports
import Runtime
import Tensors

/// What a verb found or did, in both forms.
struct Outcome {
  /// The fields of the JSON document.
  var json: JSONObject
  /// The lines for a person.
  var text: [String]
  /// The exit code: 0, or 1 where something differs.
  var exitCode: Int32 = 0
  /// Whether the text is that of a model, in which line ends are meant.
  var isProse = false
}

extension Outcome {
  /// The outcome of which only that is computed which will be printed.
  init(
    _ common: CommonOptions, json: @autoclosure () -> JSONObject, text: @autoclosure () -> [String]
  ) {
    self.init(json: common.json ? json() : [:], text: common.json || common.quiet ? [] : text())
  }
}

/// A subcommand: it computes an outcome, which is printed in one place.
protocol Verb: ParsableCommand, CheckedOptions {
  var common: CommonOptions { get }
  /// Does the work.
  /// - Throws: `Problem`.
  func perform() throws -> Outcome
}

extension Verb {
  func checkOptions() throws {}

  func run() throws {
    StandardStreams.holdPlaces()
    UnfinishedOutputs.removeOnSignals()
    InputFiles.collect()
    do {
      try ProcessorKernels.check()
      try Arguments.check()
      let outcome = try checked { try perform() }
      if common.json {
        try Terminal.print(json: document(outcome.json))
      } else if !common.quiet {
        try outcome.text.forEach { try Terminal.print($0, keepsLines: outcome.isProse) }
      }
      if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    } catch let problem as Problem {
      try fail(problem)
    }
  }

  /// Says that an input became shorter, whatever came of it.
  private func checked(_ body: () throws -> Outcome) throws -> Outcome {
    let result = Result { try body() }
    try Shortening.check()
    return try result.get()
  }

  private func document(_ fields: JSONObject) -> String {
    var document: JSONObject = ["schema": .string("graft.\(Self.verb)/1")]
    for (key, value) in fields.entries { document[key] = value }
    return JSONValue.object(document).text()
  }

  private func fail(_ problem: Problem) throws -> Never {
    if common.json {
      let problems = problem.each.map { JSONValue.object($0.json) }
      try? Terminal.print(json: document(["problems": .array(problems)]))
    }
    Terminal.printError("graft \(Self.verb): \(problem.text)", whole: common.verbose)
    throw ExitCode(problem.exitCode)
  }

  private static var verb: String { configuration.commandName ?? "\(Self.self)" }
}

extension Problem {
  /// The problem in one line, for a list of findings.
  var claim: String {
    [
      what, expected.map { "expected \($0)" }, found.map { "found \($0)" }, remedy,
    ].compactMap { $0 }.joined(separator: "; ")
  }

  /// The problem as the fields of a document.
  var json: JSONObject {
    var object: JSONObject = ["kind": .string(kind.rawValue), "what": .string(what)]
    object["file"] = file.map { .string($0) }
    object["place"] = place.map { .string($0) }
    object["layer"] = layer.map { JSONValue($0) }
    object["tensor"] = tensor.map { .string($0) }
    object["expected"] = expected.map { .string($0) }
    object["found"] = found.map { .string($0) }
    object["remedy"] = remedy.map { .string($0) }
    return object
  }
}

/// The two streams of the process.
enum Terminal {
  /// Prints a line to standard output.
  /// - Throws: `Problem` of kind `io` where it cannot be written, so that no script takes a part for
  ///   the whole.
  static func print(_ line: String, keepsLines: Bool = false) throws {
    let line = PrintableText.text(line, keepsLines: keepsLines)
    try put(hasColour(1) ? Emphasis.result(line) : line)
  }

  /// Prints a document to standard output, as exact as it is.
  static func print(json document: String) throws { try put(PrintableText.json(document)) }

  private static func put(_ text: String) throws {
    guard write(text + "\n", to: 1) else {
      throw Problem(
        .io, "cannot write the result", file: "standard output",
        remedy: "free some space, or let what reads the output stay until the end")
    }
  }

  /// Prints lines to standard error; on a terminal no more than a reader takes in at once.
  /// - Parameter whole: whether everything is printed there too.
  static func printError(_ text: String, whole: Bool = false) {
    var text = PrintableText.text(text, keepsLines: true)
    if !whole, let width = width(2) { text = ShortMessage.text(text, width: width) }
    write((hasColour(2) ? Emphasis.error(text) : text) + "\n", to: 2)
  }

  /// Writes bytes without a line end.
  /// - Returns: whether all of them were taken.
  @discardableResult
  static func write(_ text: String, to descriptor: Int32) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Self.send(descriptor, $0) }
      guard count > 0 else { return false }
      bytes = bytes.dropFirst(count)
    }
    return true
  }

  private static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    Platform.write(descriptor, bytes.baseAddress, bytes.count)
  }

  /// The characters of a line where standard output is a terminal that tells; nil elsewhere.
  static let columns = width(1)

  private static func width(_ descriptor: Int32) -> Int? {
    var size = winsize()
    guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
    else { return nil }
    return Int(size.ws_col)
  }

  /// Whether standard error is a terminal on which a line can be written again.
  static var showsProgress: Bool { isatty(2) == 1 && !isDumb }

  /// Whether a stream is a terminal with colours that nobody asked to leave out (no-color.org).
  private static func hasColour(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1 && !isDumb && (variable("NO_COLOR") ?? "").isEmpty
  }

  private static var isDumb: Bool { ["dumb", "", nil].contains(variable("TERM")) }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
