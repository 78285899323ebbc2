import Diagnostics

/// What a file really is, judged by its first bytes; asked only after reading it as the expected kind has
/// failed.
public enum FileNature: String, CaseIterable, Hashable, Sendable {
  case safetensors = "a safetensors file"
  case torch = "a file of torch.save"
  case npz = "an npz archive"
  case gguf = "a GGUF file"
  case json = "JSON text"
  case lfsPointer = "a Git LFS pointer"
  case annexPointer = "a git-annex pointer"
  case webPage = "a web page (HTML)"
  case answer = "the answer of a server (XML)"
  case zeros = "zeros at its beginning"
  case ggml = "a ggml file of the time before GGUF"
  case npy = "a single numpy array"
  case hdf5 = "an HDF5 file"
  case pickle = "a pickle"
  case archive = "an archive"
  case text = "plain text"

  /// What to do with such a file where weights were expected.
  private var remedy: String {
    switch self {
    case .safetensors: Self.renaming("safetensors")
    case .torch: Self.renaming("pt")
    case .npz: Self.renaming("npz")
    case .gguf: Self.renaming("gguf")
    case .json, .text: "check the path, or fetch the file again"
    case .lfsPointer: "fetch the file that it stands for, with git lfs pull or by downloading it"
    case .annexPointer: "fetch the file that it stands for, with git annex get"
    case .webPage, .answer:
      "download the file itself; the model may ask you to log in or to accept its terms"
    case .zeros: "fetch the file again: its download did not come to an end"
    case .ggml: "take the GGUF of the model; nothing reads the older form any more"
    case .npy, .hdf5: "save the tensors by name, in a container that docs/containers.md lists"
    case .pickle: "save the state dict with torch.save(model.state_dict(), …)"
    case .archive: "unpack it and give what is inside"
    }
  }

  private static func renaming(_ ending: String) -> String {
    "give it a name that ends in .\(ending)"
  }

  /// The refusal of such a file.
  /// - Parameters:
  ///   - bytes: the bytes of the file; where they are text, the message shows the first line.
  ///   - expected: what it should be.
  public func problem(_ bytes: UnsafeRawBufferPointer, instead expected: FileNature) -> Problem {
    Problem(
      .invalid, "the file is \(rawValue)", expected: expected.rawValue, found: excerpt(bytes),
      remedy: remedy)
  }

  /// The beginning of a text file; for a pointer of Git LFS the size of the file that it stands for.
  private func excerpt(_ bytes: UnsafeRawBufferPointer) -> String? {
    let text = String(decoding: bytes.prefix(Self.sampleCount), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline)
    switch self {
    case .lfsPointer:
      let size = lines.first { $0.hasPrefix("size ") }?.dropFirst("size ".count)
      return size.map { "\(bytes.count) bytes that stand for \($0.prefix(20))" }
    case .json, .annexPointer, .webPage, .answer, .text:
      return lines.first.map { $0.count > 60 ? $0.prefix(60) + "…" : String($0) }
    default: return nil
    }
  }

  /// Whether something of this nature was at least meant to be what is expected.
  private func fits(_ expected: FileNature) -> Bool {
    switch expected {
    case self: true
    case .json: self == .text
    case .torch: self == .pickle || self == .archive
    case .npz: self == .archive
    default: false
    }
  }

  /// Reads a file as what it should be; where that fails, says what the file is instead if its first
  /// bytes tell.
  /// - Throws: what `body` throws, or `Problem` of kind `invalid` without a place.
  public static func reading<Result>(
    _ bytes: UnsafeRawBufferPointer, as expected: FileNature, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch {
      let kind = error.asProblems.first?.kind
      guard kind == .invalid || kind == .unsupported, let nature = FileNature(bytes),
        !nature.fits(expected)
      else { throw error }
      throw nature.problem(bytes, instead: expected)
    }
  }
}
