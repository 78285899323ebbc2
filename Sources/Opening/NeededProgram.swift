import Containers
import Layouts
import Tensors

/// A program file without which the layout's library does not load a model.
public struct NeededProgram: Hashable, Sendable {
  /// Whether it lies beside the weights.
  public enum State: String, Sendable {
    /// As this version of Graft writes it.
    case present
    /// Not there.
    case missing
    /// Another file of that name, such as one that another version of Graft wrote.
    case other
  }

  /// The name of the file.
  public let name: String
  /// Whether it is there.
  public let state: State
}

extension OpenedModel {
  /// The program files that the model needs in its layout, each with whether it is there.
  /// - Throws: `Problem` of kind `io` where one cannot be read.
  /// - Cost: reads those that are there.
  public func neededPrograms() throws -> [NeededProgram] {
    try layout.code(for: configuration).map { file in
      guard checkpoint.sidecars.contains(file.name) else {
        return NeededProgram(name: file.name, state: .missing)
      }
      let isOwn = try checkpoint.holds(file.bytes, in: file.name)
      return NeededProgram(name: file.name, state: isOwn ? .present : .other)
    }
  }
}

extension StoredCheckpoint {
  /// Whether a file beside the weights has these bytes and no others.
  package func holds(_ bytes: [UInt8], in name: String) throws -> Bool {
    let file = try MappedFile(path(name))
    return withExtendedLifetime(file) { file.bytes.elementsEqual(bytes) }
  }
}
