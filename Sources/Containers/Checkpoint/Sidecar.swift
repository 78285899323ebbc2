import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A file beside the weights, with what its name and its bytes say that it is.
public struct Sidecar: Hashable, Sendable {
  /// What a file is.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Settings, a tokenizer, or plain text.
    case text
    /// Logits that were recorded with these weights.
    case recording
    /// Something that can be run.
    case program
    /// Weights, or a list of weight files, that are no part of the model that is read.
    case weights
    /// An adapter, or its settings.
    case adapter
    /// What only the training run that wrote it has a use for.
    case training
    /// Neither text nor anything that is known.
    case unknown
  }

  /// The name of the file.
  public let name: String
  /// What it is.
  public let kind: Kind
}

extension StoredCheckpoint {
  /// All files beside the weights, the weights that are not read among them, each with what it is.
  /// - Throws: `Problem` where a file cannot be read.
  /// - Cost: reads the beginning of each file, all of those that seem to be text and are not known by
  ///   name, and the headers of weights.
  public func neighbours() throws -> [Sidecar] {
    try (sidecars + unread.filter { $0 != Self.configName }).sorted().map(neighbour)
  }

  private func neighbour(_ name: String) throws -> Sidecar {
    let file = path(name)
    return try locating(.file(file.string)) {
      Sidecar(name: name, kind: try SidecarBytes(file, name).kind)
    }
  }
}

/// The bytes of a file by which it is told what it is.
private struct SidecarBytes {
  let name: String
  let file: FilePath
  let head: [UInt8]
  let size: Int

  /// The largest file that is looked at as a whole.
  private static let limit = 64 << 20
  private static let headLength = 4096

  init(_ file: FilePath, _ name: String) throws {
    (self.file, self.name) = (file, name)
    let mapped = try MappedFile(file)
    (head, size) = withExtendedLifetime(mapped) {
      (Array(mapped.bytes.prefix(Self.headLength)), mapped.bytes.count)
    }
  }

  var kind: Sidecar.Kind {
    get throws {
      if KnownFiles.isProgram(name) || head.starts(with: Array("#!".utf8)) { return .program }
      if KnownFiles.isWeights(name) || Self.magic.contains(where: head.starts) || isHeader {
        return arrays
      }
      if KnownFiles.isRun(name) { return .training }
      if name.lowercased() == "adapter_config.json" { return .adapter }
      let lower = name.lowercased()
      if KnownFiles.tokenizers.contains(lower) || KnownFiles.settings.contains(lower) {
        return KnownFiles.settings.contains(lower) && head.contains(0) ? .unknown : .text
      }
      guard size <= Self.limit, !head.contains(0) else { return binary }
      let bytes = try MappedFile.readAll(file, limit: Self.limit)
      guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
        return binary
      }
      return lower.hasSuffix(".json") ? Self.document(bytes) : .text
    }
  }

  private var binary: Sidecar.Kind { KnownFiles.isTraining(name) ? .training : .unknown }

  /// How files begin that hold arrays: GGUF, zip as torch and numpy write it, pickles of protocol 2 to
  /// 5, numpy, HDF5.
  private static let magic: [[UInt8]] =
    [
      Array("GGUF".utf8), [0x50, 0x4b, 3, 4],
      Array("\u{89}HDF".unicodeScalars.map { UInt8($0.value) }),
    ]
    + [[0x93] + Array("NUMPY".utf8)] + (2...5).map { [0x80, $0] }

  /// Whether the file begins as safetensors does: a length, then an object.
  private var isHeader: Bool {
    guard head.count > 9 else { return false }
    let length = head[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return length >= 2 && length <= UInt64(max(size - 8, 0)) && head[8] == UInt8(ascii: "{")
  }

  /// What a file with arrays is, by its name and the names of its tensors.
  private var arrays: Sidecar.Kind {
    let names = tensorNames
    if names.contains("input_ids"), names.contains("logits") { return .recording }
    if KnownFiles.isAdapter(name) || names.contains(where: Self.isOfAdapter) { return .adapter }
    return KnownFiles.isTraining(name) ? .training : .weights
  }

  /// The names of the tensors where the file can be opened, without reading any.
  private var tensorNames: [String] {
    let byBytes: Container? =
      isHeader ? .safetensors : head.starts(with: Array("GGUF".utf8)) ? .gguf : nil
    guard let container = byBytes ?? Container(fileExtension: file.extension) else { return [] }
    return (try? container.open(file).tensors.map(\.name)) ?? []
  }

  private static func isOfAdapter(_ name: String) -> Bool {
    let name = name.lowercased()
    return ["lora_a", "lora_b", "lora_embedding", "lora_magnitude", "ia3_l", "oft_r", "hada_w"]
      .contains { name.contains($0) }
  }

  /// What a JSON document is whose name says nothing.
  private static func document(_ bytes: [UInt8]) -> Sidecar.Kind {
    let keys = topKeys(bytes)
    if keys.contains("weight_map") { return .weights }
    if keys.contains("peft_type") || keys.contains("lora_parameters") { return .adapter }
    return keys.contains("global_step") && keys.contains("log_history") ? .training : .text
  }

  /// The keys of the outermost object; those before the first mistake where the text has one.
  private static func topKeys(_ bytes: [UInt8]) -> Set<String> {
    var keys: Set<String> = []
    bytes.withUnsafeBytes { text in
      var scanner = JSONScanner(text)
      _ = try? {
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
          keys.insert(key.string)
          try scanner.skip()
        }
      }()
    }
    return keys
  }
}
