/// What the page does not show, with the reason.
///
/// The clauses stand as in the source. A clause that the page shows, or that nobody says any more, fails
/// the test: whoever adds a problem adds a case, or a line here.
enum Unprovoked {
  static let whats = failures.union(races).union(callers).union(rounding).union(layouts)

  /// What only the system or the hardware can bring about: a library that cannot be set up, a disk that
  /// fails, memory that is gone. A scratch file has a name made by chance, so that no page can show it.
  private static let failures: Set<String> = [
    #"\(self)"#,
    #"cannot create a scratch file: \(error)"#,
    #"cannot map the file: \(Errno(rawValue: errno))"#,
    #"cannot stat the file: \(Errno(rawValue: errno))"#,
    #"not enough memory"#,
    #"zlib cannot be used"#,
  ]

  /// What needs another process that changes a file at the right moment; `ShortenedFileTests` have one.
  private static let races: Set<String> = [
    #"compressed bytes end early"#,
    #"the file became shorter while it was read"#,
  ]

  /// What the tool checks before, so that only a caller of a module meets it. `ModelErrorTests` and
  /// `DistributedCheckpointTests` call them so; a hundred million pairs of pieces would take minutes.
  private static let callers: Set<String> = [
    #"\(LayerShape.role(part)) has another shape than the configuration says"#,
    #"\(name) has another shape than the configuration says"#,
    #"a distributed tensor is in too many pieces"#,
    #"a matrix without values"#,
    #"a reference without prompts"#,
    #"a tensor of the model has more elements than fit 64 bits"#,
    #"a value without a type of metadata"#,
    #"another number of bytes was produced than the tensor has"#,
    #"cannot fit an M²RNN layer of this kind"#,
    #"gdn.\(name) has another shape than the configuration says"#,
    #"layout \(binding.layout.id) needs \(name), which the model does not have"#,
    #"only an M²RNN layer can be fitted"#,
    #"the model has no \(part.role)"#,
    #"the model has no \(role)"#,
    #"the segment is too long"#,
    #"the sequence is longer than the state's capacity"#,
    #"the token at position \(position) is not in the vocabulary"#,
    #"there are no tokens to run"#,
  ]

  /// What fitting meets only where floats overflow or equations are singular in spite of the ridge.
  private static let rounding: Set<String> = [
    #"the new layer computes values that are not finite"#,
    #"the outputs of the new layer cannot be fitted: the equations are singular"#,
  ]

  /// What only layouts bring about that nobody has written yet: those that are here tear no block and
  /// no part, and all their sizes have values.
  private static let layouts: Set<String> = [
    #"a block of quantised values cannot be torn apart"#,
    #"a size does not fit 64 bits"#,
    #"a size uses a symbol that has no value here"#,
    #"a step of the layout cuts through a part: \(part.role)"#,
  ]
}
