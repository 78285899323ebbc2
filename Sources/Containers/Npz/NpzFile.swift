import Diagnostics
import SystemPackage
import Tensors

/// An archive of arrays as `numpy.savez` and mlx write it.
struct NpzFile {
  /// The arrays, in the order of the archive.
  private(set) var tensors: [StoredTensor] = []
  /// The entries that are no arrays.
  private(set) var ignored: [IgnoredValue] = []
  /// The checksums, which are taken as the bytes are read.
  private(set) var checksums: [Checksum] = []

  static let suffix = ".npy"

  /// Maps a file and checks everything but the bytes of arrays.
  /// - Throws: `Problem` of kind `missing`, `io`, `invalid` or `unsupported`, naming the file.
  /// - Cost: reads the headers; compressed entries are decompressed once to check them.
  init(_ path: FilePath) throws { try self.init(MappedFile(path), name: path.string) }

  /// Checks the bytes of a whole file.
  init(_ file: any ByteStorage, name: String) throws {
    try locating(.file(name)) {
      let entries = try FileNature.reading(file.bytes, as: .npz) { try ZipArchive(file).entries }
      for entry in entries {
        guard entry.name.hasSuffix(Self.suffix) else {
          ignored.append(IgnoredValue(entry.name, "an entry", in: ""))
          continue
        }
        let array = String(entry.name.dropLast(Self.suffix.utf8.count))
        try locating(.tensor(array)) {
          let (content, check) = try entry.checkedContent()
          tensors.append(try Self.tensor(entry, content, named: array, in: name))
          checksums += check.map { [$0] } ?? []
        }
      }
    }
  }

  private static func tensor(
    _ entry: ZipEntry, _ content: ByteRegion, named name: String, in file: String
  ) throws -> StoredTensor {
    try StoredName.checkTensor(name)
    let header = try entry.prefix(NpyHeader.limit).withUnsafeBytes { try NpyHeader($0) }
    guard let size = TensorShape.byteCount(header.shape, header.type),
      size == content.count - header.size
    else {
      throw Problem(
        .invalid, "shape and type do not fit the data",
        expected: "\(TensorShape.text(header.shape)) of \(header.type.rawValue)",
        found: "\(content.count - header.size) bytes")
    }
    let start = content.range.lowerBound + header.size
    let data = ByteRegion(content.storage, start..<start + size)
    return StoredTensor(
      name: name, type: header.type, shape: header.shape, region: ordered(data, header), file: file)
  }

  /// The elements in row-major order.
  private static func ordered(_ data: ByteRegion, _ header: NpyHeader) -> ByteRegion {
    guard header.isFortran, data.count > 0 else { return data }
    var strides: [Int] = []
    var stride = 1
    for extent in header.shape {
      strides.append(stride)
      stride *= extent
    }
    let view = StridedTensor(offset: 0, shape: header.shape, strides: strides)
    return view.region(in: data, width: header.type.bitWidth / 8)
  }
}
