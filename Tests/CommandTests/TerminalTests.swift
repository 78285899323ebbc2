#if os(Linux)
  import Foundation
  import GraftTestSupport
  import Platform
  import Testing

  /// What the tool prints on a terminal, and what it does not print elsewhere.
  @Suite struct TerminalTests {
    /// Runs the tool on a terminal of some width.
    private func run(
      _ arguments: [String], width: UInt16 = 200, environment: [String: String] = [:]
    ) throws -> String {
      let main = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      var (number, locked): (Int32, Int32) = (0, 0)
      // TIOCSPTLCK and TIOCGPTN of Linux, which the module of the C library does not have.
      try #require(ioctl(main, 0x4004_5431, &locked) == 0 && ioctl(main, 0x8004_5430, &number) == 0)
      let side = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      var size = winsize(ws_row: 24, ws_col: width, ws_xpixel: 0, ws_ypixel: 0)
      try #require(side >= 0 && ioctl(side, UInt(TIOCSWINSZ), &size) == 0)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: GraftCommand.executable.string)
      process.arguments = arguments
      process.environment = ["TERM": "xterm"].merging(environment) { $1 }
      process.standardOutput = FileHandle(fileDescriptor: side)
      process.standardError = FileHandle(fileDescriptor: side)
      try process.run()
      close(side)
      defer { close(main) }
      return Self.everything(from: main).replacingOccurrences(of: "\r\n", with: "\n")
    }

    /// What comes until the other side is closed.
    private static func everything(from descriptor: Int32) -> String {
      var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
      while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
        bytes += buffer[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }

    private let model = Fixtures.path("huggingface/qwen3_next/bf16").string

    @Test func tablesAreCutToTheWidth() throws {
      let wide = try run(["convert", model, "--explain", "--to", "qwen3_5"])
      let narrow = try run(["convert", model, "--explain", "--to", "qwen3_5"], width: 60)
      let tables = [wide, narrow].map {
        $0.components(separatedBy: "\n\n")[1].split(separator: "\n")
      }
      #expect(tables[0].count == tables[1].count && tables[0].contains { $0.count > 60 })
      #expect(tables[1].allSatisfy { $0.count <= 60 }, "\(narrow)")
      #expect(tables.map { $0.contains { $0.contains(#/[a-z]…[a-z]/#) } } == [false, true])
      // Nothing is cut where nobody looks.
      let plain = try GraftCommand.run("convert", model, "--explain", "--to", "qwen3_5")
      #expect(plain.output == wide)
      #expect(try run(["inspect", model], width: 72).contains("…\n"))
    }

    @Test func longErrorsAreShortened() throws {
      let call = [
        "convert", Fixtures.path("lm-engine/gdn-hybrid").string, "/nowhere/out", "--to",
        "qwen3_next",
      ]
      let whole = try GraftCommand.run(call).errors
      let plain = ["NO_COLOR": "1"]
      #expect(try run(call + ["-v"], environment: plain) == whole)
      for width in [200, 60] as [UInt16] {
        let lines = try run(call, width: width, environment: plain).dropLast()
          .split(separator: "\n", omittingEmptySubsequences: false)
        let rows = lines.map { max(1, ($0.count + Int(width) - 1) / Int(width)) }.reduce(0, +)
        #expect(rows <= 8 && lines.contains { $0.hasSuffix("-v shows them") }, "\(lines)")
        #expect(whole.hasSuffix(lines.last.map { $0 + "\n" } ?? ""), "\(lines)")
      }
      let short = ["inspect", "nowhere"]
      #expect(try run(short, environment: plain) == GraftCommand.run(short).errors)
    }

    @Test func coloursAreForTerminals() throws {
      let same = ["diff", model, model]
      #expect(try run(same).hasPrefix("\u{1b}[32;1msame\u{1b}[0m: "))
      #expect(
        try run(["inspect", "nowhere"]).hasPrefix("\u{1b}[31;1mgraft inspect\u{1b}[0m: no such"))
      for environment in [["NO_COLOR": "1"], ["TERM": "dumb"], ["TERM": ""]] {
        #expect(try run(same, environment: environment).hasPrefix("same: "))
        #expect(try !run(["inspect", "nowhere"], environment: environment).contains("\u{1b}"))
      }
      #expect(try run(same, environment: ["NO_COLOR": ""]).hasPrefix("\u{1b}[32"))
      #expect(try !GraftCommand.run("diff", model, model).output.contains("\u{1b}"))
      #expect(try !GraftCommand.run("inspect", "nowhere").errors.contains("\u{1b}"))
    }
  }
#endif
