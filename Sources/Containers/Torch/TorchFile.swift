import Diagnostics
import SystemPackage
import Tensors

/// A file of `torch.save`: a zip archive since torch 1.6, a sequence of pickles before.
///
/// ```
/// zip:     NAME/data.pkl, NAME/byteorder, NAME/data/KEY …
/// before:  pickle of the magic number, of the version, of the machine, of the value, of the keys;
///          then for each key the number of elements, u64, and the elements
/// ```
struct TorchFile {
  /// The tensors of the state dict, in its order.
  let tensors: [StoredTensor]
  /// What the file holds beside the state dict, by name and kind.
  let ignored: [IgnoredValue]
  /// The checksums, which are taken as the bytes are read.
  let checksums: [Checksum]

  /// Maps a file and checks everything but the bytes of tensors.
  /// - Throws: `Problem` of kind `missing`, `io`, `invalid` or `unsupported`, naming the file.
  /// - Cost: reads the pickles; compressed entries are decompressed once to check them.
  init(_ path: FilePath) throws { try self.init(MappedFile(path), name: path.string) }

  /// Checks the bytes of a whole file.
  init(_ file: any ByteStorage, name: String) throws {
    let state = try RankState(
      file, file: name, number: FilePath(name).lastComponent.flatMap { RankFiles.number($0.string) }
    )
    try locating(.file(name)) { try RankFiles.refuseAlone(state) }
    tensors = try RankTensors([state]).tensors
    ignored = state.ignored
    checksums = state.checksums
  }
}
